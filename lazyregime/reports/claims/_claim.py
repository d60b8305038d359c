"""A published statement, what is measured of it from which runs, and the verdict: holds, fails, open or not measured.

A verdict is the interval's, not the value's, and belongs to a size: what was published for 60,000 samples is not
measured by 4000, and a theorem on the limit is not refuted below it.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

Verdict = Literal["holds", "fails", "open", "not measured"]
Direction = Literal["equal", "at_least", "at_most"]
Judged = Literal["holds", "fails", "open"]


@dataclass(frozen=True)
class Expected:
    """The direction of the statement, the range that the measured value has to lie in, and how it is written."""

    direction: Direction
    low: float
    high: float
    words: str

    def judge(self, low: float, high: float) -> Judged:
        """Of an interval: all of it inside, all of it outside, or neither (as where it is not known)."""
        if self.low <= low and high <= self.high:
            return "holds"
        return "fails" if high < self.low or low > self.high else "open"


def near(value: float, tolerance: float) -> Expected:
    """`value` within `tolerance`."""
    return Expected("equal", value - tolerance, value + tolerance, f"{value:.4g} ± {tolerance:.2g}")


def between(low: float, high: float) -> Expected:
    """From `low` to `high`."""
    return Expected("equal", low, high, f"{low:.4g} to {high:.4g}")


def at_least(low: float) -> Expected:
    """`low` or more."""
    return Expected("at_least", low, math.inf, f"at least {low:.4g}")


def at_most(high: float) -> Expected:
    """`high` or less."""
    return Expected("at_most", -math.inf, high, f"at most {high:.4g}")


@dataclass(frozen=True)
class Measurement:
    """A value with its 95% confidence interval over seeds; the interval of a single seed is not known (NaN)."""

    value: float
    low: float
    high: float
    num_seeds: int
    remark: str = ""


@dataclass(frozen=True)
class Size:
    """At which size a statement was made, and by which column runs are of a size.

    Args:
        words: How a size is written, with one place for a number: `n = {:,.0f}`.
        of: The column.
        published: The size in the paper; infinite for a limit.
        up_to: Whether smaller runs belong to a size too, as the widths that an exponent is fitted over.
    """

    words: str
    of: str
    published: float = math.inf
    up_to: bool = False

    def told(self, size: float) -> str:
        """In words."""
        return self.words.format(size).replace("inf", "∞")

    def parts(self, runs: pd.DataFrame) -> list[tuple[float, pd.DataFrame]]:
        """The runs by size, the smallest first."""
        sizes = pd.to_numeric(runs[self.of], errors="coerce") if self.of in runs else pd.Series(dtype=float)
        return [
            (float(s), runs[sizes <= s] if self.up_to else runs[sizes == s]) for s in sorted(sizes.dropna().unique())
        ]


Measure = Callable[[pd.DataFrame], Measurement | None]
Trial = Callable[[Path, bool], pd.DataFrame]


@dataclass(frozen=True)
class Claim:
    """One published statement.

    Args:
        id: Its name in the ledger, `paper.what`.
        source: The key of the paper and where in it, `[GSJW20], figure 5a`.
        statement: What is claimed, in a sentence.
        measured: What is measured, from which runs.
        expected: Where the measured value has to lie; its direction is the statement's own.
        measure: From the complete runs of one size to the measurement; None where the runs are missing.
        command: What makes the runs.
        trial: Made-up runs, their arrays in the folder given, of which the statement is true or false: a test feeds
            them to the claim, which must tell them apart.
        size: The size that the statement speaks of; None for one of no size.
        explanation: Where a difference is explained.
    """

    id: str
    source: str
    statement: str
    measured: str
    expected: Expected
    measure: Measure
    command: str
    trial: Trial
    size: Size | None = None
    explanation: str = ""

    def judge(self, found: Measurement) -> Judged:
        """What the runs measured say, at their size."""
        return self.expected.judge(found.low, found.high)

    def verdict(self, found: Measurement | None, size: float | None = None) -> Verdict:
        """On the statement itself, from runs of that size."""
        if found is None or (self.size is not None and size is not None and size < self.size.published < math.inf):
            return "not measured"
        judged = self.judge(found)
        limit = self.size is not None and self.size.published == math.inf
        return "open" if judged == "fails" and limit else judged
