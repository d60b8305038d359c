"""The dynamics of two-layer networks: the rates at which widths reach their two limits."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims import Claim, Expected, Measurement, Size, at_least, at_most, near
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.claims._seeds import starts
from lazyregime.reports.claims._two_layer_trial import profile_trial, trial
from lazyregime.reports.reading.folder import read_kernels

Arrays = Mapping[str, np.ndarray]
Measure = Callable[[pd.DataFrame], Measurement | None]
Values = Callable[[Arrays, int], np.ndarray | None]

SCRIPT = "multirun_scripts/mean_field.sh"
WHY = "docs/two_layer.md"
SMOOTHEST = 64  # slopes are fitted from this width on: below it the clouds are too small for the leading order
SIZE = Size("N up to {:,.0f}", "width")  # theorems on N to infinity
PARTICLES = Size("N = {:,.0f}", "width", published=800)
ROOT = near(-0.5, 0.1)
BOUND = at_most(-0.4)  # N^-1/2 or faster, within 0.1


def flows(runs: pd.DataFrame, **chosen: str) -> Arrays | None:
    """The arrays of the flow with the most seeds (then the widest) among those with these settings."""
    if "command" not in runs or "num_seeds" not in runs:
        return None
    part = runs[runs.command == "flow"]
    for key, value in chosen.items():
        part = part[part[key] == value] if key in part else part[:0]
    if part.empty:
        return None
    best = part.sort_values(["num_seeds", "width"]).iloc[-1]
    return read_kernels(Path(best.path) / "kernels.safetensors")


def _widths(arrays: Arrays, scaling: str) -> list[int]:
    return sorted({int(k.split("/")[1]) for k in arrays if k.startswith(f"{scaling}/") and k.endswith("/risk")})


def _slope(arrays: Arrays | None, values: Values, scaling: str) -> Measurement | None:
    """The exponent in N of a quantity that every start has, fitted for each start."""
    if arrays is None:
        return None
    found = {w: v for w in _widths(arrays, scaling) if w >= SMOOTHEST and (v := values(arrays, w)) is not None}
    if len(found) < 3:
        return None
    table = np.stack(list(found.values()))
    slopes = starts(log_slope(list(found), column) for column in table.T)
    return slopes.measured(f"N from {min(found)} to {max(found)}")


def _last(scaling: str, name: str) -> Values:
    return lambda arrays, width: arrays[f"{scaling}/{width}/{name}"][-1]


def _worst(scaling: str, name: str) -> Values:
    return lambda arrays, width: arrays[f"{scaling}/{width}/{name}"].max(0)


def _between(name: str) -> Values:
    """Between clouds; the widest stands for the limit of those at most a quarter of its width."""
    return lambda arrays, width: (
        arrays.get(f"mean_field/{name}_{width}") if 4 * width <= max(_widths(arrays, "mean_field")) else None
    )


def _risk_gap(arrays: Arrays, width: int) -> np.ndarray | None:
    """max_t |R_N(t) - R_widest(t)| / R(0), the widest averaged over its seeds."""
    widest = max(_widths(arrays, "mean_field"))
    if 4 * width > widest:
        return None
    limit, risk = arrays[f"mean_field/{widest}/risk"].mean(1), arrays[f"mean_field/{width}/risk"]
    return np.abs(risk - limit[:, None]).max(0) / limit[0]


def _rate(
    name: str, statement: str, measured: str, values: Values, *, scaling: str, expected: Expected = ROOT,
    explanation: str = "", **chosen: str,
) -> Claim:  # fmt: skip
    run = {"target": "teacher", "activation": "tanh", "init": "antisymmetric"} | chosen
    return Claim(
        f"mmm19.{name}", "[MMM19], the survey's sections 2 to 4", statement, f"{measured}: exponent in N", expected,
        lambda runs: _slope(flows(runs, **run), values, scaling), SCRIPT, trial=partial(trial, name, run), size=SIZE,
        explanation=explanation,
    )  # fmt: skip


def _moves(runs: pd.DataFrame) -> Measurement | None:
    arrays = flows(runs, target="teacher", activation="tanh", init="antisymmetric")
    if arrays is None or not (widths := _widths(arrays, "mean_field")):
        return None
    return starts(arrays[f"mean_field/{widths[-1]}/kernel_change"][-1]).measured(f"N = {widths[-1]}")


def _profile(share: float) -> Measure:
    """W_2 between |w| of the particles and of the radial PDE, in units of its mean at that time."""

    def measure(runs: pd.DataFrame) -> Measurement | None:
        arrays = flows(runs, target="two_gaussians", init="mmn18")
        if arrays is None or "limit/mean_field/mass" not in arrays:
            return None
        kept, times = arrays["mean_field/norms"], arrays["times"]
        k = round(share * (len(kept) - 1))
        at = round(k * (len(times) - 1) / (len(kept) - 1))
        mass, edges = arrays["limit/mean_field/mass"][at], arrays["limit/mean_field/edges"]
        centres = arrays["limit/mean_field/radii"]
        mean = float(mass @ centres)
        spread = float(np.sqrt(mass @ (centres - mean) ** 2))
        cdf = np.concatenate([[0.0], np.cumsum(mass)])
        quantiles = np.interp((np.arange(kept.shape[-1]) + 0.5) / kept.shape[-1], cdf / cdf[-1], edges)
        gaps = np.sqrt(((np.sort(kept[k], axis=-1) - quantiles) ** 2).mean(-1)) / mean
        told = f"t = {times[at]:.3g}, |w| = {mean:.3g} ± {spread:.2g}, particles ± {kept[k].std(-1).mean():.2g}"
        return starts(gaps).measured(told)

    return measure


CLAIMS = (
    _rate(
        "mean_field.fluctuation", "At alpha = 1 the output varies over seeds like N^-1/2.", "rms over x of f_T about "
        "its mean over the seeds", _last("mean_field", "fluctuation"), scaling="mean_field",
    ),
    _rate(
        "mean_field.risk", "At alpha = 1 the curves R(t) converge at N^-1/2 or faster.", "max_t |R_N(t) - R_widest(t)| "
        "/ R(0)", _risk_gap, scaling="mean_field", expected=BOUND,
    ),
    Claim(
        "mmm19.mean_field.kernel_moves", "[MMM19], the survey's section 4",
        "At alpha = 1 the relative change of the kernel tends to a constant that is not zero.",
        "||K_T - K_0|| / ||K_0|| at the largest width", at_least(0.1), _moves, SCRIPT,
        trial=partial(trial, "mean_field.kernel_moves", {"init": "antisymmetric"}), size=SIZE,
    ),
    _rate(
        "mean_field.kernel_constant", "At alpha = 1 the change of the kernel does not depend on N.",
        "||K_T - K_0|| / ||K_0||", _last("mean_field", "kernel_change"), scaling="mean_field", expected=near(0.0, 0.1),
    ),
    _rate(
        "mean_field.propagation_of_chaos", "At alpha = 1 a particle among N is N^-1/2 away from the same particle in "
        "the limit.", "rms_j |theta_j^N(T) - theta_j^widest(T)|", _between("chaos"), scaling="mean_field",
    ),
    _rate(
        "mean_field.sliced_wasserstein", "At alpha = 1 the sliced W_2 between mu^N and mu^2N falls like N^-1/2.",
        "SW_2(mu_T^N, mu_T^2N), independent seeds", _between("sliced"), scaling="mean_field",
    ),
    _rate(
        "ntk.displacement", "At alpha = sqrt(N) each particle moves by O(1/alpha) = N^-1/2.", "rms_j |theta_j(T) - "
        "theta_j(0)|", _last("ntk", "displacement"), scaling="ntk", expected=BOUND,
    ),
    *(
        _rate(
            f"ntk.{name}.{case}", f"At alpha = sqrt(N) {what} like N^-1/2 or less ({start}).", measured,
            values("ntk", key), scaling="ntk", init=init, activation=sigma, expected=BOUND,
            explanation=f"an upper bound; about N^-1 where the first order is odd in a or in w, and cancels: {WHY}",
        )
        for case, sigma, init, start in (
            ("symmetric", "tanh", "antisymmetric", "a ~ N(0, 1), tanh"),
            ("odd", "tanh", "one_sided", "a ~ N(1, 1), tanh"),
            ("generic", "softplus", "one_sided", "a ~ N(1, 1), softplus"),
        )
        for name, key, what, measured, values in (
            ("kernel_change", "kernel_change", "the kernel moves", "||K_T - K_0|| / ||K_0||", _last),
            ("closed_form", "frozen_gap", "u_t tends to exp(-K_0 t) u_0", "max_t ||u_t - exp(-K_0 t/n) u_0|| / ||u_0||",
             _worst),
        )
    ),
    _rate(
        "ntk.kernel_change.relu", "The same for ReLU, whose slope jumps.", "||K_T - K_0|| / ||K_0||",
        _last("ntk", "kernel_change"), scaling="ntk", activation="relu", expected=BOUND,
        explanation=f"about N^-3/4: gates flip for a share N^-1/2 of the pairs: {WHY}",
    ),
    *(
        Claim(
            f"mmn18.radial_profile.{number}", "[MMN18], the two isotropic Gaussians",
            f"|w| of N = 800 particles under SGD has the distribution of the radial PDE, {words}.",
            "W_2 between the two distributions of |w|, over the mean of |w|", at_most(0.05), _profile(share), SCRIPT,
            trial=profile_trial, size=PARTICLES,
        )
        for number, (share, words) in enumerate(
            ((0.25, "early"), (0.5, "half way"), (0.75, "later"), (1.0, "at the end")), start=2
        )
    ),
)  # fmt: skip
