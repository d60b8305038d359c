"""A published statement, what is measured of it from which runs, and the verdict: holds, fails, or not measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Verdict = Literal["holds", "fails", "not measured"]


@dataclass(frozen=True)
class Expected:
    """The range that the measured value has to lie in, and how it is written."""

    low: float
    high: float
    words: str

    def contains(self, value: float) -> bool:
        """Whether a value agrees; NaN never does."""
        return self.low <= value <= self.high


def near(value: float, tolerance: float) -> Expected:
    """`value` within `tolerance`."""
    return Expected(value - tolerance, value + tolerance, f"{value:.4g} ± {tolerance:.2g}")


def between(low: float, high: float) -> Expected:
    """From `low` to `high`."""
    return Expected(low, high, f"{low:.4g} to {high:.4g}")


def at_least(low: float) -> Expected:
    """`low` or more."""
    return Expected(low, math.inf, f"at least {low:.4g}")


def at_most(high: float) -> Expected:
    """`high` or less."""
    return Expected(-math.inf, high, f"at most {high:.4g}")


@dataclass(frozen=True)
class Measurement:
    """A value with its 95% confidence interval over seeds; the interval of a single seed is not known (NaN)."""

    value: float
    low: float
    high: float
    num_seeds: int
    remark: str = ""


@dataclass(frozen=True)
class Claim:
    """One published statement.

    Args:
        id: Its name in the ledger, `paper.what`.
        source: The key of the paper and where in it, `[GSJW20], figure 5a`.
        statement: What is claimed, in a sentence.
        measured: What is measured, from which runs.
        expected: Where the measured value has to lie.
        measure: From the complete runs to the measurement; None where the runs are missing.
        command: What makes the runs.
        explanation: Where a difference is explained, for a claim that is known to fail.
    """

    id: str
    source: str
    statement: str
    measured: str
    expected: Expected
    measure: Callable[[pd.DataFrame], Measurement | None]
    command: str
    explanation: str = ""

    def verdict(self, found: Measurement | None) -> Verdict:
        """By the value alone; the interval tells how far it is to be trusted."""
        if found is None:
            return "not measured"
        return "holds" if self.expected.contains(found.value) else "fails"

    def settled(self, found: Measurement) -> bool:
        """Whether every value of the interval has the verdict of the value."""
        inside = self.expected.contains(found.value)
        if math.isnan(found.low) or math.isnan(found.high):
            return False
        if inside:
            return self.expected.contains(found.low) and self.expected.contains(found.high)
        return found.high < self.expected.low or found.low > self.expected.high
