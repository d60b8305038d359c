"""A training whose kernel there was no memory for is complete, with a warning; the same command measures it later."""

from collections.abc import Mapping
from typing import Any

NO_MEMORY = "There was no memory for the kernel after training: "


def was_short_of_memory(result: Mapping[str, Any]) -> bool:
    """Whether that is what the result warns of."""
    return any(str(warning).startswith(NO_MEMORY) for warning in result.get("warnings") or ())
