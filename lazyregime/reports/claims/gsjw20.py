"""Feature against lazy training: what [GSJW20] finds over laziness lambda = sqrt(h) alpha and width h."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from lazyregime.reports.claims import Claim, Expected, Measurement, Size, at_least, at_most, between, near
from lazyregime.reports.claims._flows import crossing, ensemble_error, jackknife, outputs, peak, variance
from lazyregime.reports.claims._gsjw20_images import feature_less_lazy, feature_less_lazy_on_components, relu_slope
from lazyregime.reports.claims._gsjw20_trial import trial
from lazyregime.reports.claims._measure import collapse_exponent, log_slope
from lazyregime.reports.claims._seeds import Seeds
from lazyregime.reports.tables.tags import tagged

TAG, COMMAND = "gsjw20", "SIZE=small multirun_scripts/gsjw20.sh"
SIZE = Size("n = {:,.0f}", "n_train", published=0)  # findings, of no particular number of samples
LAZY, FEATURE = 300.0, 1.0  # laziness from which on, and up to which, a phase is measured
Measure = Callable[[pd.DataFrame], Measurement | None]


def _runs(runs: pd.DataFrame, low: float = 0.0, high: float = float("inf"), regime: str = "scaled") -> pd.DataFrame:
    found = tagged(runs, TAG, regime)
    return found[(found.laziness >= low * 0.999) & (found.laziness <= high * 1.001)] if len(found) else found


def _widest(found: pd.DataFrame) -> pd.DataFrame:
    """The runs of the widest width with at least two seeds (or with as many as there are)."""
    if found.empty:
        return found
    seeds = found.groupby("width").init_seed.nunique()
    return found[found.width == seeds[seeds >= min(2, seeds.max())].index.max()]


def _slope(y: str, low: float, high: float) -> Measure:
    """The exponent of y in laziness at the widest width."""

    def measure(runs: pd.DataFrame) -> Measurement | None:
        found = _widest(_runs(runs, low, high))
        if found.empty or y not in found:
            return None
        slopes = Seeds.of(found, "laziness", seed="init_seed").each(lambda part: log_slope(part.laziness, part[y]))
        x = found.laziness
        return slopes.measured(f"width {found.width.iloc[0]}, laziness {x.min():.3g} to {x.max():.3g}")

    return measure


def _kernel_crossing(runs: pd.DataFrame) -> Measurement | None:
    found = _runs(runs)
    if found.empty:
        return None
    widest = found[found.width == found.width.max()]
    each = Seeds.of(widest, "laziness", seed="init_seed").each(lambda p: crossing(p.laziness, p.kernel_change))
    return each.measured(f"width {found.width.max()}")


def _alpha_star(runs: pd.DataFrame) -> Measurement | None:
    found = _runs(runs)
    if found.empty or found.width.nunique() < 2:
        return None

    def exponent(part: pd.DataFrame) -> float:
        stars = {w: crossing(p.alpha, p.kernel_change) for w, p in part.groupby("width")}
        return log_slope(list(stars), list(stars.values()))

    each = Seeds.of(found, "width", "laziness", seed="init_seed").each(exponent)
    return each.measured(f"widths {found.width.min()} to {found.width.max()}")


def _groups(found: pd.DataFrame, by: str = "width") -> dict[float, tuple[np.ndarray, np.ndarray]]:
    """Outputs and labels by width, or by laziness, for the initializations that every one of them has."""
    if found.empty or found[by].nunique() < 2:
        return {}
    found = Seeds.of(found, "width", "laziness", seed="init_seed").runs
    shared = set.intersection(*(set(part.init_seed) for _, part in found.groupby(by)))
    kept = found[found.init_seed.isin(shared)].sort_values("init_seed").drop_duplicates([by, "init_seed"])
    return {value: outputs(part) for value, part in kept.groupby(by)} if len(shared) > 2 else {}


def _variance_slope(laziness: float) -> Measure:
    def measure(runs: pd.DataFrame) -> Measurement | None:
        groups = _groups(_runs(runs, laziness, laziness))
        if not groups:
            return None
        members = len(next(iter(groups.values()))[0])
        return jackknife(
            members, lambda kept: log_slope(list(groups), [variance(f[kept]) for f, _ in groups.values()]),
            f"laziness {laziness:g}, widths {min(groups)} to {max(groups)}",
        )  # fmt: skip

    return measure


def _variance_peak(runs: pd.DataFrame) -> Measurement | None:
    found = _runs(runs)
    groups = _groups(found[found.width == found.width.max()] if len(found) else found, by="laziness")
    if len(groups) < 3:
        return None
    members = len(next(iter(groups.values()))[0])
    return jackknife(
        members, lambda kept: peak(list(groups), [variance(f[kept]) for f, _ in groups.values()]),
        f"width {found.width.max()}",
    )  # fmt: skip


def _ensemble_spread(laziness: float, runs: pd.DataFrame) -> Measurement | None:
    groups = _groups(_runs(runs, laziness, laziness))
    if not groups:
        return None

    def spread(kept: np.ndarray) -> float:
        errors = [ensemble_error(f[kept], y) for f, y in groups.values()]
        return max(errors) - min(errors)

    return jackknife(len(next(iter(groups.values()))[0]), spread, f"widths {min(groups)} to {max(groups)}")


def _ensemble_is_the_large_net(runs: pd.DataFrame) -> Measurement | None:
    groups = _groups(_runs(runs, 1e4, 1e4))
    if not groups:
        return None
    (small, y), (large, _) = groups[min(groups)], groups[max(groups)]

    def gap(kept: np.ndarray) -> float:
        return ensemble_error(small[kept], y) - float((np.sign(large[kept]) != y).mean())

    return jackknife(len(small), gap, f"ensemble of {len(small)} at width {min(groups)}, one at {max(groups)}")


def _lazy_is_the_kernel(runs: pd.DataFrame) -> Measurement | None:
    lazy, kernel = _runs(runs, 1e4, 1e4), tagged(runs, TAG, "lazy")
    if lazy.empty or kernel.empty:
        return None
    widths = set(lazy.width) & set(kernel.width)
    each = [
        Seeds.of(part[part.width.isin(widths)], "width", "alpha", seed="init_seed").mean("test_accuracy")
        for part in (lazy, kernel)
    ]
    return (each[0] - each[1]).measured("mean over widths")


def _collapse(column: str) -> Measure:
    """The s with which the column depends on h^s alpha alone, each width's mean subtracted from an error."""

    def measure(runs: pd.DataFrame) -> Measurement | None:
        found = _runs(runs)
        if found.empty or found.width.nunique() < 2:
            return None
        is_kernel = column == "kernel_change"
        fitted = partial(collapse_exponent, y=column, logarithmic=is_kernel, offsets=not is_kernel)
        return Seeds.of(found, "width", "laziness", seed="init_seed").each(fitted).measured()

    return measure


def _claim(name: str, where: str, statement: str, measured: str, expected: Expected, measure: Measure) -> Claim:
    return Claim(
        f"gsjw20.{name}", f"[GSJW20], {where}", statement, measured, expected, measure, COMMAND,
        trial=partial(trial, name), size=SIZE, explanation="docs/gsjw20.md",
    )  # fmt: skip


CLAIMS = (
    _claim(
        "kernel_change_lazy", "figure 5a", "The kernel changes as 1/lambda in the lazy phase.",
        "exponent of ||T1 - T0|| / ||T0|| in laziness, from 300", near(-1, 0.1), _slope("kernel_change", LAZY, 1e9),
    ),
    _claim(
        "kernel_change_feature", "figure 5a, L = 3 (read by eye)", "The kernel changes as about lambda^-1.3 in the "
        "feature phase.", "the same exponent, up to laziness 1", near(-1.3, 0.2), _slope("kernel_change", 0, FEATURE),
    ),
    _claim(
        "kernel_crossing", "figure 5a", "The kernel changes by its own norm near lambda = 50.",
        "laziness where the kernel change is 1", between(25, 100), _kernel_crossing,
    ),
    _claim(
        "alpha_star", "figure 3a", "The regimes are separated by alpha* ~ h^-1/2.",
        "exponent in width of the alpha where the kernel change is 1", near(-0.5, 0.1), _alpha_star,
    ),
    _claim(
        "variance_lazy", "figure 4a", "The variance of the output over initializations falls as 1/h, lazily.",
        "exponent of Var F in width at laziness 10,000", near(-1, 0.25), _variance_slope(1e4),
    ),
    _claim(
        "variance_feature", "figure 4a", "And so it does in the feature phase.",
        "exponent of Var F in width at laziness 0.1", near(-1, 0.25), _variance_slope(0.1),
    ),
    _claim(
        "half_loss_time_feature", "figure 5c", "lambda is the only time scale of the feature phase.",
        "exponent of the half-loss time in laziness, up to 1", near(1, 0.15), _slope("half_loss_time", 0, FEATURE),
    ),
    _claim(
        "ensemble_flat", "figure 4d", "The error of an ensemble does not depend on h, lazily.",
        "largest difference between widths at laziness 10,000", at_most(0.02), partial(_ensemble_spread, 1e4),
    ),
    _claim(
        "ensemble_flat_feature", "figure 4d", "Nor does it in the feature phase.",
        "largest difference between widths at laziness 0.1", at_most(0.02), partial(_ensemble_spread, 0.1),
    ),
    _claim(
        "variance_peak", "figure 4b", "The variance of the output over initializations, times h, has a peak near "
        "lambda = 10.", "laziness where Var F is largest, at the widest width", between(3, 30), _variance_peak,
    ),
    _claim(
        "displacement_feature", "as homogeneity gives it for L = 3",
        "The weights move as lambda^(-1/(L+1)) in the feature phase.",
        "exponent of sup ||w - w0|| in laziness, up to 1", near(-0.25, 0.05), _slope("sup_displacement", 0, FEATURE),
    ),
    _claim(
        "ensemble_is_width", "figure 4c", "An ensemble of small nets is as good as the large net, lazily.",
        "error of the ensemble less that of one large net", near(0, 0.015), _ensemble_is_the_large_net,
    ),
    _claim(
        "collapse_kernel", "figure 5a", "The change of the kernel depends on sqrt(h) alpha alone.",
        "the s with which it depends on h^s alpha", near(0.5, 0.1), _collapse("kernel_change"),
    ),
    _claim(
        "collapse_error", "figure 3d", "Test errors, less a constant of each width, depend on sqrt(h) alpha alone.",
        "the s with which they depend on h^s alpha", near(0.5, 0.2), _collapse("test_accuracy"),
    ),
    _claim(
        "lazy_is_kernel", "figure 3b", "The lazy limit is learning with the kernel at initialization.",
        "accuracy at laziness 10,000 less that of the kernel flow", near(0, 0.005), _lazy_is_the_kernel,
    ),
    _claim(
        "relu_kernel_change", "authors' notebook", "With ReLU the kernel changes as lambda^-1/2, while gates flip.",
        "exponent of ||T1 - T0|| / ||T0|| in laziness, 100 to 1000", near(-0.5, 0.15),
        partial(relu_slope, low=100, high=1000),
    ),
    _claim(
        "relu_kernel_change_lazy", "authors' notebook", "And then as 1/lambda.",
        "the same exponent, from laziness 100,000", near(-1, 0.15), partial(relu_slope, low=1e5, high=1e9),
    ),
    _claim(
        "cifar_dense_lazy", "conclusions", "On CIFAR-10 a wide dense network is more accurate where it is lazy.",
        "its test accuracy at the smallest laziness less that at the largest", at_most(0.0),
        partial(feature_less_lazy, arch="mlp"),
    ),
    _claim(
        "cifar_cnn_feature", "conclusions", "On CIFAR-10 a CNN is more accurate where it learns features.",
        "its test accuracy at the smallest laziness less that at the largest", at_least(0.0),
        partial(feature_less_lazy, arch="cnn"),
    ),
    _claim(
        "cifar_components_feature", "conclusions", "On few principal components a dense one does better with features.",
        "test accuracy at the smallest laziness less that at the largest, mean over whitened, scaled and plain "
        "components", at_least(0.0), feature_less_lazy_on_components,
    ),
)  # fmt: skip
