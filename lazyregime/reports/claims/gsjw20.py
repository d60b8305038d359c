"""Feature against lazy training: what [GSJW20] finds over laziness lambda = sqrt(h) alpha and width h."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false

from collections.abc import Callable

import numpy as np
import pandas as pd

from lazyregime.reports.claims import Claim, Expected, Measurement, at_least, at_most, between, near, over_seeds
from lazyregime.reports.claims._flows import crossing, ensemble_error, jackknife, outputs, variance
from lazyregime.reports.claims._measure import log_slope, log_slope_over_seeds
from lazyregime.reports.tables.tags import tagged

TAG, COMMAND = "gsjw20", "SIZE=small multirun_scripts/gsjw20.sh"
LAZY, FEATURE = 300.0, 1.0  # laziness from which on, and up to which, a phase is measured
Measure = Callable[[pd.DataFrame], Measurement | None]


def _runs(runs: pd.DataFrame, low: float = 0.0, high: float = float("inf"), regime: str = "scaled") -> pd.DataFrame:
    found = tagged(runs, TAG, regime)
    return found[(found.laziness >= low * 0.999) & (found.laziness <= high * 1.001)] if len(found) else found


def _slope(y: str, low: float, high: float) -> Measure:
    """The exponent of y in laziness at the widest width run with at least two seeds."""

    def measure(runs: pd.DataFrame) -> Measurement | None:
        found = _runs(runs, low, high)
        if found.empty or y not in found:
            return None
        widths = found.groupby("width").init_seed.nunique()
        width = widths[widths >= min(2, widths.max())].index.max()
        fitted = log_slope_over_seeds(found[found.width == width], "laziness", y)
        if fitted is None:
            return None
        return Measurement(fitted.value, fitted.low, fitted.high, fitted.num_seeds, f"width {width}, {fitted.remark}")

    return measure


def _kernel_crossing(runs: pd.DataFrame) -> Measurement | None:
    found = _runs(runs)
    if found.empty:
        return None
    each = found[found.width == found.width.max()].groupby("init_seed")
    return over_seeds([crossing(part.laziness, part.kernel_change) for _, part in each], f"width {found.width.max()}")


def _alpha_star(runs: pd.DataFrame) -> Measurement | None:
    found = _runs(runs)
    if found.empty or found.width.nunique() < 2:
        return None
    slopes = []
    for _, part in found.groupby("init_seed"):
        stars = {w: crossing(p.alpha, p.kernel_change) for w, p in part.groupby("width")}
        if len(stars) > 1:
            slopes.append(log_slope(list(stars), list(stars.values())))
    return over_seeds(slopes, f"widths {found.width.min()} to {found.width.max()}")


def _groups(found: pd.DataFrame) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Outputs and labels by width, for the initializations that every width has."""
    if found.empty or found.width.nunique() < 2:
        return {}
    shared = set.intersection(*(set(part.init_seed) for _, part in found.groupby("width")))
    kept = found[found.init_seed.isin(shared)].sort_values("init_seed").drop_duplicates(["width", "init_seed"])
    return {int(w): outputs(part) for w, part in kept.groupby("width")} if len(shared) > 2 else {}


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


def _ensemble_spread(runs: pd.DataFrame) -> Measurement | None:
    groups = _groups(_runs(runs, 1e4, 1e4))
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
    both = lazy.merge(kernel, on=["width", "init_seed"], suffixes=("", "_kernel"))
    if both.empty:
        return None
    gaps = (both.test_accuracy - both.test_accuracy_kernel).groupby(both.init_seed).mean()
    return over_seeds(gaps, "mean over widths")


def _collapse(column: str) -> Measure:
    """How much of the variance that is left when each width has its mean is explained by laziness alone."""

    def measure(runs: pd.DataFrame) -> Measurement | None:
        found = _runs(runs)
        if found.empty or found.width.nunique() < 2:
            return None
        explained = []
        for _, part in found.assign(laziness=found.laziness.round(6)).groupby("init_seed"):
            y = np.log(part[column]) if column == "kernel_change" else 1 - part[column]
            y = y - y.groupby(part.width).transform("mean")
            left = y - y.groupby(part.laziness).transform("mean")
            explained.append(1 - float((left**2).sum() / (y**2).sum()))
        return over_seeds(explained)

    return measure


def _largest(column: str) -> Measure:
    def measure(runs: pd.DataFrame) -> Measurement | None:
        found = tagged(runs, TAG)
        return None if found.empty else over_seeds(found.groupby("init_seed")[column].max())

    return measure


def _claim(name: str, where: str, statement: str, measured: str, expected: Expected, measure: Measure) -> Claim:
    source = f"[GSJW20], {where}"
    return Claim(f"gsjw20.{name}", source, statement, measured, expected, measure, COMMAND, "docs/gsjw20.md")


CLAIMS = (
    _claim(
        "kernel_change_lazy", "figure 5a", "The kernel changes as 1/lambda in the lazy phase.",
        "exponent of ||T1 - T0|| / ||T0|| in laziness, from 300", near(-1, 0.1), _slope("kernel_change", LAZY, 1e9),
    ),
    _claim(
        "kernel_change_feature", "figure 5a, L = 3", "The kernel changes as about lambda^-1.3 in the feature phase.",
        "the same exponent, up to laziness 1", near(-1.3, 0.2), _slope("kernel_change", 0, FEATURE),
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
        "half_loss_time_lazy", "figure 5c", "The lazy phase has a time scale free of lambda.",
        "exponent of the half-loss time in laziness, from 300", near(0, 0.1), _slope("half_loss_time", LAZY, 1e9),
    ),
    _claim(
        "ensemble_flat", "figure 4d", "The error of an ensemble does not depend on h, lazily.",
        "largest difference between widths at laziness 10,000", at_most(0.02), _ensemble_spread,
    ),
    _claim(
        "ensemble_is_width", "figure 4c", "An ensemble of small nets is as good as the large net, lazily.",
        "error of the ensemble less that of one large net", near(0, 0.015), _ensemble_is_the_large_net,
    ),
    _claim(
        "collapse_kernel", "figure 5a", "The change of the kernel depends on lambda alone.",
        "fraction of its variance in the logarithm that lambda explains", at_least(0.95), _collapse("kernel_change"),
    ),
    _claim(
        "collapse_error", "figure 3d", "Test errors, less the mean of each width, collapse on lambda.",
        "fraction of their variance that lambda explains", at_least(0.5), _collapse("test_accuracy"),
    ),
    _claim(
        "lazy_is_kernel", "figure 3b", "The lazy limit is learning with the kernel at initialization.",
        "accuracy at laziness 10,000 less that of the kernel flow", near(0, 0.005), _lazy_is_the_kernel,
    ),
    _claim(
        "centred", "equation 2", "Centring makes the initial output exactly zero.",
        "largest |F| at time zero", near(0, 0), _largest("initial_output"),
    ),
)  # fmt: skip
