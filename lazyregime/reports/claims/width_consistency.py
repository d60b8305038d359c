"""Consistency over widths at laziness 1, and the bias of narrow networks that no ensemble removes [VAB+23]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from lazyregime.reports.claims._claim import Claim, Expected, Measurement, Size, at_least, at_most, near
from lazyregime.reports.claims._flows import jackknife, outputs, variance
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.claims._seeds import Seeds
from lazyregime.reports.claims._width_consistency_trial import trial
from lazyregime.reports.tables.tags import tagged

COMMAND = "SIZE=small multirun_scripts/width_consistency.sh"
SIZE = Size("n = {:,.0f}", "n_train", published=0)
TIME = "config.optimizer.max_time"
WIDTH = 64  # of the claims on one network; chosen before the runs
Array = np.ndarray


@dataclass(frozen=True)
class Widths:
    """F on the test set of all widths at one time, (initializations, points) each, and the labels."""

    outputs: Mapping[int, Array]
    labels: Array

    @staticmethod
    def of(runs: pd.DataFrame) -> "Widths | None":
        """Of runs that differ in width and initialization; the initializations that every width has."""
        if runs.empty or runs.width.nunique() < 3:
            return None
        found = Seeds.of(runs, "width", "alpha", seed="init_seed").runs
        shared = set.intersection(*(set(part.init_seed) for _, part in found.groupby("width")))
        parts = found[found.init_seed.isin(shared)].sort_values("init_seed").groupby("width")
        read = {int(width): outputs(part) for width, part in parts}
        return Widths({width: values for width, (values, _) in read.items()}, next(iter(read.values()))[1])

    @property
    def widest(self) -> int:
        """The one that stands for the limit."""
        return max(self.outputs)

    @property
    def narrower(self) -> list[int]:
        """The others."""
        return sorted(self.outputs)[:-1]

    @property
    def members(self) -> int:
        """Initializations a width."""
        return len(self.outputs[self.widest])

    def take(self, chosen: Array) -> "Widths":
        """Of some initializations."""
        return Widths({width: values[chosen] for width, values in self.outputs.items()}, self.labels)

    def distance(self, width: int) -> float:
        """Of one network from the mean of the widest, relative, root mean square."""
        limit = self.outputs[self.widest].mean(0)
        return float(np.sqrt(((self.outputs[width] - limit) ** 2).mean() / (limit**2).mean()))

    def squared_bias(self, width: int) -> float:
        """Of the mean over initializations, relative, without the variance that so few of them leave.

        The products of different initializations only: unbiased, though one seed draws alike at all widths.
        """
        apart = self.outputs[width] - self.outputs[self.widest]
        count, limit = len(apart), self.outputs[self.widest].mean(0)
        products = apart.sum(0) ** 2 - (apart**2).sum(0)
        return float(products.mean() / (count * (count - 1)) / (limit**2).mean())

    def relative_variance(self, width: int) -> float:
        """Over initializations."""
        return variance(self.outputs[width]) / float((self.outputs[self.widest].mean(0) ** 2).mean())

    def loss(self, values: Array) -> float:
        """1/2 (F - y)^2."""
        return float(0.5 * ((values - self.labels) ** 2).mean())


def at(runs: pd.DataFrame, which: str) -> Widths | None:
    """At laziness 1, early or late."""
    found = mup(runs)
    if found.empty or TIME not in found or found[TIME].nunique() < 2:
        return None
    times = found[TIME].astype(float)
    return Widths.of(found[times == (times.min() if which == "early" else times.max())])


def mup(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs at laziness 1."""
    found = tagged(runs, "width_consistency")
    return found[np.isclose(found.laziness, 1)] if len(found) else found


def ntk(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs at alpha 1."""
    found = tagged(runs, "width_consistency")
    return found[np.isclose(found.alpha, 1) & ~np.isclose(found.laziness, 1)] if len(found) else found


def _bias_exponent(late: Widths) -> float:
    """Of the squared bias in 1/h - 1/H."""
    x = [1 / width - 1 / late.widest for width in late.narrower]
    return log_slope(x, [late.squared_bias(width) for width in late.narrower])


def _variance_exponent(late: Widths) -> float:
    return log_slope(late.narrower, [late.relative_variance(width) for width in late.narrower])


def _bias(late: Widths) -> float:
    """Test loss of the mean of the narrowest networks over that of one of the widest."""
    narrow = late.outputs[late.narrower[0]].mean(0)
    return late.loss(narrow) / late.loss(late.outputs[late.widest])


Statistic = Callable[[Widths], float]
OF_TIME: dict[str, tuple[str, Statistic]] = {
    "early": ("early", lambda widths: widths.distance(WIDTH)),
    "variance": ("late", _variance_exponent),
    "bias": ("late", _bias),
    "bias_exponent": ("late", _bias_exponent),
}


def _of_time(name: str, runs: pd.DataFrame) -> Measurement | None:
    when, statistic = OF_TIME[name]
    widths = at(runs, when)
    if widths is None or WIDTH not in widths.narrower:
        return None
    return jackknife(widths.members, lambda chosen: statistic(widths.take(chosen)), f"widths to {widths.widest}")


def _grows(runs: pd.DataFrame) -> Measurement | None:
    early, late = at(runs, "early"), at(runs, "late")
    if early is None or late is None or WIDTH not in early.narrower or WIDTH not in late.narrower:
        return None
    return jackknife(
        min(early.members, late.members),
        lambda chosen: late.take(chosen).distance(WIDTH) / early.take(chosen).distance(WIDTH),
        f"width {WIDTH} against {late.widest}",
    )


def _turn(which: Callable[[pd.DataFrame], pd.DataFrame], runs: pd.DataFrame) -> Measurement | None:
    """The exponent of the kernel's turn in width, late."""
    found = which(runs)
    if found.empty or TIME not in found or "kernel_angle" not in found:
        return None
    times = found[TIME].astype(float)
    late = Seeds.of(found[times == times.max()], "width", "alpha", seed="init_seed")
    return late.each(lambda part: log_slope(part.width, part.kernel_angle)).measured()


def _claim(
    name: str, statement: str, measured: str, expected: Expected, measure: Callable[[pd.DataFrame], Measurement | None]
) -> Claim:
    return Claim(
        f"width_consistency.{name}", "[VAB+23]", statement, measured, expected, measure, COMMAND,
        trial=partial(trial, name), size=SIZE, explanation="docs/width_consistency.md",
    )  # fmt: skip


CLAIMS = (
    _claim(
        "early", "At laziness 1 networks of different widths say the same early in training.",
        "distance of F of one network of width 64 from the widest's mean, relative, early", at_most(0.2),
        partial(_of_time, "early"),
    ),
    _claim(
        "grows", "Later in training they part.",
        "that distance at the end over the early one", at_least(1), _grows,
    ),
    _claim(
        "variance", "The variance over initializations falls as 1/N.",
        "exponent of the variance of F in width, at the end", near(-1, 0.25), partial(_of_time, "variance"),
    ),
    _claim(
        "bias", "The mean over narrow networks is worse than one wide network.",
        "test loss of the mean of the narrowest over that of one of the widest, at the end", at_least(1),
        partial(_of_time, "bias"),
    ),
    _claim(
        "bias_exponent", "The bias of the mean falls as 1/N.",
        "exponent of the squared bias in 1/h - 1/H, at the end", near(2, 0.5), partial(_of_time, "bias_exponent"),
    ),
    _claim(
        "features", "At laziness 1 the kernel turns alike at all widths.",
        "exponent in width of the sine of the kernel's turn, laziness 1", near(0, 0.1), partial(_turn, mup),
    ),
    _claim(
        "ntk", "At alpha 1 (ntk) it turns the less the wider the network.",
        "exponent in width of the sine of the kernel's turn, alpha 1", at_most(-0.25), partial(_turn, ntk),
    ),
)  # fmt: skip
