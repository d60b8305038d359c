"""All kinds of fault, in the order of the table."""

# ruff: noqa: F401
# isort: off
import fault_signals
import fault_calls
import fault_beside
import fault_streams
import fault_limits
import fault_in_the_way
import fault_files
import fault_moved
import fault_surroundings
import fault_hostile
import fault_no_results

# isort: on
from fault_registry import KINDS

__all__ = ["KINDS"]
