"""Lazy training by scale: what [COB19] proves and finds for growing alpha, and in the teacher-student problem."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false

from collections.abc import Callable

import numpy as np
import pandas as pd

from lazyregime.reports.claims import Claim, Expected, Measurement, at_least, near, over_seeds
from lazyregime.reports.claims._flows import outputs
from lazyregime.reports.claims._measure import log_slope, log_slope_over_seeds
from lazyregime.reports.tables.tags import tagged

COMMAND = "SIZE=small multirun_scripts/cob19.sh"
LARGE = 10.0  # alpha from which on slopes are fitted
Measure = Callable[[pd.DataFrame], Measurement | None]


def _sweep(runs: pd.DataFrame) -> pd.DataFrame:
    found = tagged(runs, "cob19")
    return found[found.arch == "mlp"] if len(found) else found


def _slope(column: str, *, of_distance_from_one: bool = False) -> Measure:
    def measure(runs: pd.DataFrame) -> Measurement | None:
        found = _sweep(runs)
        if found.empty or column not in found:
            return None
        found = found[found.alpha >= LARGE]
        value = 1 - found[column] if of_distance_from_one else found[column]
        return log_slope_over_seeds(found.assign(value=value), "alpha", "value")

    return measure


def _distance_from_linear(runs: pd.DataFrame) -> Measurement | None:
    scaled, linear = _sweep(runs), tagged(runs, "cob19", "lazy")
    if scaled.empty or linear.empty:
        return None
    slopes = []
    for seed, part in scaled[scaled.alpha >= LARGE].groupby("init_seed"):
        reference = linear[linear.init_seed == seed]
        if len(reference) and len(part) > 1:
            limit = outputs(reference)[0][0]
            gaps = np.linalg.norm(outputs(part)[0] - limit, axis=1)
            slopes.append(log_slope(part.alpha, gaps))
    return over_seeds(slopes, f"alpha from {LARGE:g}, at one flow time, on the test set")


def _at_largest(column: str) -> Measure:
    def measure(runs: pd.DataFrame) -> Measurement | None:
        found = _sweep(runs)
        if found.empty or column not in found:
            return None
        last = found[found.alpha == found.alpha.max()]
        return over_seeds(last[column], f"alpha {found.alpha.max():g}")

    return measure


def _frozen_gates(runs: pd.DataFrame) -> Measurement | None:
    found = _sweep(runs)
    if found.empty or "frozen_gates_test_accuracy" not in found:
        return None
    gap = found.test_accuracy - found.frozen_gates_test_accuracy
    return _at_largest("gap")(runs.assign(gap=gap))


def _feature_less_lazy(runs: pd.DataFrame) -> Measurement | None:
    found = _sweep(runs)
    if found.empty or found.alpha.nunique() < 2:
        return None
    table = found.pivot_table(index="init_seed", columns="alpha", values="test_accuracy")
    ordered = table.reindex(columns=sorted(table.columns))
    return over_seeds(
        ordered.iloc[:, 0] - ordered.iloc[:, -1], f"alpha {ordered.columns[0]:g} against {ordered.columns[-1]:g}"
    )


def _centred(runs: pd.DataFrame) -> Measurement | None:
    found = tagged(runs, "cob19")
    return None if found.empty else over_seeds(found.groupby("init_seed").initial_output.max())


def _teacher(runs: pd.DataFrame) -> pd.DataFrame:
    found = tagged(runs, "cob19")
    return found[found.arch == "two_layer"] if len(found) else found


def _ratio_over_scale(runs: pd.DataFrame) -> Measurement | None:
    found = _teacher(runs)
    found = found[(found.width == 50) & (found.parameterization == "ntk")] if len(found) else found
    if found.empty or found.alpha.nunique() < 2:
        return None
    table = found.pivot_table(index="seed", columns="alpha", values="test_loss")
    return over_seeds(table[table.columns.max()] / table[table.columns.min()])


def _ratio_over_scaling(runs: pd.DataFrame) -> Measurement | None:
    found = _teacher(runs)
    found = found[found.alpha == 1] if len(found) else found
    if found.empty or found.parameterization.nunique() < 2:
        return None
    widest = found[found.width == found[found.parameterization == "mean_field"].width.max()]
    table = widest.pivot_table(index="seed", columns="parameterization", values="test_loss")
    return over_seeds(table["ntk"] / table["mean_field"], f"m = {widest.width.iloc[0]}")


def _claim(name: str, where: str, statement: str, measured: str, expected: Expected, measure: Measure) -> Claim:
    source = f"[COB19], {where}"
    return Claim(f"cob19.{name}", source, statement, measured, expected, measure, COMMAND, "docs/cob19.md")


CLAIMS = (
    _claim(
        "displacement", "theorem 2.3", "The weights move by O(1/alpha).",
        "exponent of sup ||w - w0|| in alpha, from 10", near(-1, 0.1), _slope("sup_displacement"),
    ),
    _claim(
        "linear", "theorem 2.3", "The outputs are those of the tangent model up to O(1/alpha).",
        "exponent of ||F - F_lin|| in alpha", near(-1, 0.2), _distance_from_linear,
    ),
    _claim(
        "activations", "figure 3b", "The activations become stable: the fraction unchanged tends to 1.",
        "fraction of ReLUs unchanged at the largest alpha", at_least(0.99), _at_largest("relu_unchanged"),
    ),
    _claim(
        "activations_rate", "theorem 2.3", "The fraction of changed activations falls with the displacement.",
        "exponent of 1 - (fraction unchanged) in alpha", near(-1, 0.25),
        _slope("relu_unchanged", of_distance_from_one=True),
    ),
    _claim(
        "frozen_gates", "section 3.2", "With its gates as at initialization the lazy network is as good.",
        "accuracy less that with frozen gates, at the largest alpha", near(0, 0.005), _frozen_gates,
    ),
    _claim(
        "lazy_is_worse", "figure 3b", "Test accuracy falls as alpha grows.",
        "accuracy at the smallest alpha less that at the largest", at_least(0.0), _feature_less_lazy,
    ),
    _claim(
        "centred", "section 1.2", "Centring makes the initial output exactly zero.",
        "largest |F| at time zero", near(0, 0), _centred,
    ),
    _claim(
        "scale", "figure 2a", "In the teacher-student problem a large scale of initialization generalizes worse.",
        "test loss at alpha = tau^2 the largest over that at the smallest", at_least(1.5), _ratio_over_scale,
    ),
    _claim(
        "over_parameterized", "figure 2b", "For large m the scaling 1/m generalizes better than 1/sqrt(m).",
        "test loss with 1/sqrt(m) over that with 1/m", at_least(1.5), _ratio_over_scaling,
    ),
)  # fmt: skip
