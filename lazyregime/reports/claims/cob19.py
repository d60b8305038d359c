"""Lazy training by scale: what [COB19] proves and finds for growing alpha, and in the teacher-student problem."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from lazyregime.reports.claims import Claim, Expected, Measurement, Size, at_least, at_most, near
from lazyregime.reports.claims._cob19_trial import trial
from lazyregime.reports.claims._cob19_vgg import VGG, less_linearized, vggs
from lazyregime.reports.claims._flows import outputs
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.claims._over_alpha import falls, stable_gates
from lazyregime.reports.claims._seeds import Seeds, across, ends
from lazyregime.reports.tables.tags import tagged

COMMAND = "SIZE=small multirun_scripts/cob19.sh"
SIZE = Size("n = {:,.0f}", "n_train", published=0)  # theorems and findings of no particular number of samples
LARGE = 10.0  # alpha from which on slopes are fitted
Measure = Callable[[pd.DataFrame], Measurement | None]


def _sweep(runs: pd.DataFrame) -> pd.DataFrame:
    found = tagged(runs, "cob19")
    return found[~found.arch.isin(["two_layer", VGG])] if len(found) else found


def _slope(column: str, *, of_distance_from_one: bool = False) -> Measure:
    """The exponent in alpha, fitted for each initialization."""

    def measure(runs: pd.DataFrame) -> Measurement | None:
        found = _sweep(runs)
        if found.empty or column not in found:
            return None
        found = found[found.alpha >= LARGE]
        value = 1 - found[column] if of_distance_from_one else found[column]
        seeds = Seeds.of(found.assign(value=value), "alpha", seed="init_seed")
        slopes = seeds.each(lambda part: log_slope(part.alpha, part.value))
        return slopes.measured(f"alpha from {found.alpha.min():.3g} to {found.alpha.max():.3g}")

    return measure


def _distance_from_linear(runs: pd.DataFrame) -> Measurement | None:
    scaled, linear = _sweep(runs), tagged(runs, "cob19", "lazy")
    if scaled.empty or linear.empty:
        return None
    reference = Seeds.of(linear, seed="init_seed").runs.set_index("init_seed").path

    def slope(part: pd.DataFrame) -> float:
        seed = part.init_seed.iloc[0]
        if seed not in reference.index or len(part) < 2:
            return float("nan")
        limit = outputs(linear[linear.path == reference[seed]])[0][0]
        return log_slope(part.alpha, np.linalg.norm(outputs(part)[0] - limit, axis=1))

    slopes = Seeds.of(scaled[scaled.alpha >= LARGE], "alpha", seed="init_seed").each(slope)
    return slopes.measured(f"alpha from {LARGE:g}, at one flow time, on the test set")


def _teacher(runs: pd.DataFrame) -> pd.DataFrame:
    found = tagged(runs, "cob19")
    return found[found.arch == "two_layer"] if len(found) else found


def _ratio_over_scale(column: str, runs: pd.DataFrame) -> Measurement | None:
    found = _teacher(runs)
    found = found[(found.width == 50) & (found.parameterization == "ntk")] if len(found) else found
    if found.empty or found.alpha.nunique() < 2:
        return None
    smallest, largest = ends(found, "alpha", column, "seed")
    return across(lambda low, high: high / low, smallest, largest).measured()


def _ratio_over_scaling(runs: pd.DataFrame) -> Measurement | None:
    found = _teacher(runs)
    found = found[found.alpha == 1] if len(found) else found
    if found.empty or found.parameterization.nunique() < 2:
        return None
    widest = found[found.width == found[found.parameterization == "mean_field"].width.max()]
    each = [Seeds.of(widest[widest.parameterization == name]).mean("test_loss") for name in ("ntk", "mean_field")]
    return across(lambda ntk, mean_field: ntk / mean_field, *each).measured(f"m = {widest.width.iloc[0]}")


def _claim(name: str, where: str, statement: str, measured: str, expected: Expected, measure: Measure) -> Claim:
    return Claim(
        f"cob19.{name}", f"[COB19], {where}", statement, measured, expected, measure, COMMAND,
        trial=partial(trial, name), size=SIZE, explanation="docs/cob19.md",
    )  # fmt: skip


CLAIMS = (
    _claim(
        "displacement", "theorem 2.2", "The weights move by O(1/alpha).",
        "exponent of sup ||w - w0|| in alpha, from 10", at_most(-0.9), _slope("sup_displacement"),
    ),
    _claim(
        "linear", "theorem 2.2", "The outputs are those of the tangent model up to O(1/alpha).",
        "exponent of ||F - F_lin|| in alpha", at_most(-0.9), _distance_from_linear,
    ),
    _claim(
        "activations", "figure 3b", "The activations become stable: the fraction unchanged tends to 1.",
        "fraction of ReLUs unchanged at the largest alpha", at_least(0.99),
        lambda runs: stable_gates(_sweep(runs)),
    ),
    _claim(
        "activations_rate", "theorem 2.2", "The fraction of changed activations falls with the displacement.",
        "exponent of 1 - (fraction unchanged) in alpha", near(-1, 0.25),
        _slope("relu_unchanged", of_distance_from_one=True),
    ),
    _claim(
        "lazy_is_worse", "figure 3b", "Test accuracy falls as alpha grows.",
        "accuracy at the smallest alpha less that at the largest", at_least(0.0),
        lambda runs: falls(_sweep(runs), "test_accuracy"),
    ),
    _claim(
        "scale", "figure 2a", "In the teacher-student problem a large scale of initialization generalizes worse.",
        "test loss at alpha = tau^2 the largest over that at the smallest", at_least(1.5),
        partial(_ratio_over_scale, "test_loss"),
    ),
    _claim(
        "scale_best", "figure 2a", "And so it does at the best moment of its training.",
        "least test loss on the way, at the largest alpha over that at the smallest", at_least(1.5),
        partial(_ratio_over_scale, "best_test_loss"),
    ),
    _claim(
        "over_parameterized", "figure 2b", "For large m the scaling 1/m generalizes better than 1/sqrt(m).",
        "test loss with 1/sqrt(m) over that with 1/m", at_least(1.5), _ratio_over_scaling,
    ),
    _claim(
        "vgg_lazy_is_worse", "figure 3a", "VGG-11 on CIFAR-10: test accuracy falls as alpha grows.",
        "test accuracy at the smallest alpha less that at the largest", at_least(0.0),
        lambda runs: falls(vggs(runs), "test_accuracy"),
    ),
    _claim(
        "vgg_lazy_fits_less", "figure 3a", "And so does its training accuracy, after the same epochs.",
        "training accuracy at the smallest alpha less that at the largest", at_least(0.0),
        lambda runs: falls(vggs(runs), "train_accuracy"),
    ),
    _claim(
        "vgg_activations", "figure 3b", "Its activations become stable: the fraction unchanged tends to 1.",
        "fraction of ReLUs unchanged at the largest alpha", at_least(0.99),
        lambda runs: stable_gates(vggs(runs)),
    ),
    _claim(
        "vgg_above_linearized", "table 1", "It is more accurate than its tangent model (89.7 against 61.7 at k = 8).",
        "test accuracy at the smallest alpha less the tangent model's", at_least(0.0),
        partial(less_linearized, largest=False),
    ),
    _claim(
        "vgg_tends_to_linearized", "section 3.2", "At a large alpha it behaves as its tangent model.",
        "test accuracy at the largest alpha less the tangent model's", near(0.0, 0.02),
        partial(less_linearized, largest=True),
    ),
)  # fmt: skip
