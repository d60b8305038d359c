"""Runs as seeds of one thing: a type that can be made only of runs that differ in nothing but their seeds.

What a claim varies on purpose (its axes) is named; anything else that differs is refused, and said.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from lazyregime.errors import LazyRegimeError
from lazyregime.reports.claims._claim import Measurement
from lazyregime.reports.tables.averages import with_keys
from lazyregime.reports.tables.settings import is_choice, one_per_seed, setting_words

COLUMNS = ("network", "regime", "width", "alpha", "machine", "at", "num_features")
SAME_AXIS = {"laziness": "alpha"}  # two names of one axis


class NotSeeds(LazyRegimeError):
    """Runs were to be averaged that differ in more than their seeds."""


@dataclass(frozen=True)
class PerSeed:
    """One number a seed."""

    values: Mapping[object, float]

    def __sub__(self, other: "PerSeed") -> "PerSeed":
        """The difference, for the seeds that both have."""
        return PerSeed(
            {seed: value - other.values[seed] for seed, value in self.values.items() if seed in other.values}
        )

    def measured(self, remark: str = "") -> Measurement | None:
        """The mean and its 95% confidence interval, ± t s / sqrt(n); None without a finite value."""
        x = np.array([value for value in self.values.values() if np.isfinite(value)], dtype=np.float64)
        if not x.size:
            return None
        if x.size == 1:
            return Measurement(float(x[0]), float("nan"), float("nan"), 1, remark)
        half = float(stats.t.ppf(0.975, x.size - 1) * x.std(ddof=1) / np.sqrt(x.size))
        return Measurement(float(x.mean()), float(x.mean() - half), float(x.mean() + half), int(x.size), remark)


def starts(values: Iterable[float]) -> PerSeed:
    """One number a start of one run, which integrates all of its starts together."""
    return PerSeed(dict(enumerate(map(float, values))))


def across(function: Callable[..., float], *quantities: PerSeed) -> PerSeed:
    """function(a, b, ...) for each seed that all the quantities have."""
    shared = [seed for seed in quantities[0].values if all(seed in other.values for other in quantities)]
    return PerSeed({seed: function(*(quantity.values[seed] for quantity in quantities)) for seed in shared})


@dataclass(frozen=True)
class Seeds:
    """Runs that differ in their seeds, and along the axes that were named; `Seeds.of` makes it.

    Args:
        runs: One a seed and place on the axes.
        seed: The column by which a statistic is taken.
    """

    runs: pd.DataFrame
    seed: str

    @staticmethod
    def of(runs: pd.DataFrame, *axes: str, seed: str = "seed") -> "Seeds":
        """The runs as seeds.

        Args:
            runs: Some runs, or none.
            axes: What the claim varies: columns (`width`), or settings (`data.tau`).
            seed: `init_seed`, for example, where the data stay.

        Raises:
            NotSeeds: If the runs differ in anything else.
        """
        if runs.empty:
            return Seeds(runs, seed)
        runs = with_keys(runs)
        if seed not in runs:
            raise NotSeeds(f"these runs do not say their {seed}")
        _refuse(runs, {SAME_AXIS.get(axis, axis) for axis in axes})
        named = [(SAME_AXIS.get(axis, axis), f"config.{axis}") for axis in axes]
        columns = [name for names in named for name in names if name in runs]
        parts = [part for _, part in runs.groupby(columns, dropna=False)] if columns else [runs]
        return Seeds(pd.concat([one_per_seed(part)[0] for part in parts]), seed)

    def each(self, statistic: Callable[[pd.DataFrame], float]) -> PerSeed:
        """A statistic of each seed's runs."""
        if self.runs.empty:
            return PerSeed({})
        return PerSeed({seed: float(statistic(part)) for seed, part in self.runs.groupby(self.seed)})

    def mean(self, column: str) -> PerSeed:
        """The mean of a column over each seed's runs."""
        return self.each(lambda part: part[column].mean()) if column in self.runs else PerSeed({})


def ends(found: pd.DataFrame, axis: str, column: str, seed: str) -> tuple[PerSeed, PerSeed]:
    """The column at the smallest and at the largest value of the axis."""
    least, most = (
        Seeds.of(found[found[axis] == end], axis, seed=seed) for end in (found[axis].min(), found[axis].max())
    )
    return least.mean(column), most.mean(column)


def _refuse(runs: pd.DataFrame, axes: set[str]) -> None:
    differing: dict[str, set[str]] = {}
    tables = [{_plain(k): v for k, v in key if not is_choice(k) and _plain(k) not in axes} for key in runs.key]
    for name in dict.fromkeys(name for table in tables for name in table):
        values = {table.get(name, "none") for table in tables}
        if len(values) > 1:
            differing[name] = values
    for name in COLUMNS:
        if name in runs and name not in axes and runs[name].nunique(dropna=False) > 1:
            differing[name] = {str(value) for value in runs[name].unique()}
    if differing:
        told = "; ".join(setting_words(name, " or ".join(sorted(values))) for name, values in differing.items())
        raise NotSeeds(f"refused as seeds, since the runs differ in more: {told}")


def _plain(key: str) -> str:
    return re.sub(r"\[.*?\]", "", key)
