"""The dynamics of two-layer networks: what must hold exactly, and the rates at which widths reach their two limits."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._claim import Claim, Expected, Measurement, at_least, at_most, near
from lazyregime.reports.claims._measure import log_slope, over_seeds
from lazyregime.reports.reading.folder import read_kernels

Arrays = Mapping[str, np.ndarray]
Measure = Callable[[pd.DataFrame], Measurement | None]

SCRIPT = "multirun_scripts/mean_field.sh"
WHY = "docs/two_layer.md"
SMOOTHEST = 64  # slopes are fitted from this width on: below it the clouds are too small for the leading order


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


def _slope(
    arrays: Arrays | None, values: Callable[[Arrays, int], np.ndarray | None], scaling: str
) -> Measurement | None:
    """The exponent in N of a quantity that every seed has, fitted for each seed."""
    if arrays is None:
        return None
    found = {w: v for w in _widths(arrays, scaling) if w >= SMOOTHEST and (v := values(arrays, w)) is not None}
    if len(found) < 3:
        return None
    table = np.stack(list(found.values()))
    return over_seeds((log_slope(list(found), column) for column in table.T), f"N from {min(found)} to {max(found)}")


def _last(scaling: str, name: str) -> Callable[[Arrays, int], np.ndarray | None]:
    return lambda arrays, width: arrays[f"{scaling}/{width}/{name}"][-1]


def _worst(scaling: str, name: str) -> Callable[[Arrays, int], np.ndarray | None]:
    return lambda arrays, width: arrays[f"{scaling}/{width}/{name}"].max(0)


def _between(name: str) -> Callable[[Arrays, int], np.ndarray | None]:
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
    name: str, statement: str, measured: str, values: Callable[[Arrays, int], np.ndarray | None],
    *, scaling: str, expected: Expected | None = None, explanation: str = "", **chosen: str,
) -> Claim:  # fmt: skip
    run = {"target": "teacher", "activation": "tanh", "init": "antisymmetric"} | chosen
    return Claim(
        f"mmm19.{name}", "[MMM19], the survey's sections 2 to 4", statement, f"{measured}: exponent in N",
        expected or near(-0.5, 0.1), lambda runs: _slope(flows(runs, **run), values, scaling), SCRIPT, explanation,
    )  # fmt: skip


def _exact(name: str, statement: str, tolerance: float) -> Claim:
    def measure(runs: pd.DataFrame) -> Measurement | None:
        arrays = flows(runs, target="teacher", activation="tanh", init="antisymmetric")
        found = [v for k, v in (arrays or {}).items() if k.startswith("identities/") and k.endswith(f"/{name}")]
        if not found:
            return None
        errors = np.concatenate(found)
        return Measurement(float(errors.max()), float(errors.min()), float(errors.max()), len(found[0]), "the largest")

    source = "[MMM19], the survey's section 3"
    return Claim(
        f"mmm19.{name}", source, statement, "the largest error of any seed", at_most(tolerance), measure, SCRIPT
    )


def _moves(runs: pd.DataFrame) -> Measurement | None:
    arrays = flows(runs, target="teacher", activation="tanh", init="antisymmetric")
    if arrays is None or not (widths := _widths(arrays, "mean_field")):
        return None
    return over_seeds(arrays[f"mean_field/{widths[-1]}/kernel_change"][-1], f"N = {widths[-1]}")


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
        return over_seeds(
            gaps, f"t = {times[at]:.3g}, |w| = {mean:.3g} ± {spread:.2g}, particles ± {kept[k].std(-1).mean():.2g}"
        )

    return measure


CLAIMS = (
    _exact("function_dynamics", "du/dt = -(1/n) K_t u for any alpha and N (relative error).", 1e-6),
    _exact("dissipation", "dR/dt = -2 <u, K_t u> / n^2, which is never positive (relative error).", 1e-6),
    _exact("residual_dynamics", "u driven by the K_t of the particles alone stays f* - f_t.", 1e-6),
    _exact("closed_form", "With K frozen u_t = Q exp(-Lambda t) Q^T u_0.", 1e-6),
    _exact("antisymmetric", "An antisymmetric start has f(x; theta_0) = 0 to rounding.", 1e-14),
    _rate(
        "mean_field.fluctuation", "At alpha = 1 the output varies over seeds like N^-1/2.", "rms over x of f_T about "
        "its mean over the seeds", _last("mean_field", "fluctuation"), scaling="mean_field",
    ),
    _rate(
        "mean_field.risk", "At alpha = 1 the curves R(t) converge at N^-1/2.", "max_t |R_N(t) - R_widest(t)| / R(0)",
        _risk_gap, scaling="mean_field",
    ),
    Claim(
        "mmm19.mean_field.kernel_moves", "[MMM19], the survey's section 4",
        "At alpha = 1 the relative change of the kernel tends to a constant that is not zero.",
        "||K_T - K_0|| / ||K_0|| at the largest width", at_least(0.1), _moves, SCRIPT,
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
        "theta_j(0)|", _last("ntk", "displacement"), scaling="ntk",
    ),
    *(
        _rate(
            f"ntk.{name}.{case}", f"At alpha = sqrt(N) {what} like N^-1/2 ({start}).", measured, values("ntk", key),
            scaling="ntk", init=init, activation=sigma,
            explanation=f"about N^-1: the first order is odd in a or in w, and cancels: {WHY}",
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
        _last("ntk", "kernel_change"), scaling="ntk", activation="relu",
        explanation=f"about N^-3/4: gates flip for a share N^-1/2 of the pairs, with random signs: {WHY}",
    ),
    *(
        Claim(
            f"mmn18.radial_profile.{number}", "[MMN18], the two isotropic Gaussians",
            f"|w| of N = 800 particles under SGD has the distribution of the radial PDE, {words}.",
            "W_2 between the two distributions of |w|, over the mean of |w|", at_most(0.05), _profile(share), SCRIPT,
        )
        for number, (share, words) in enumerate(
            ((0.0, "at the start"), (0.25, "early"), (0.5, "half way"), (0.75, "later"), (1.0, "at the end")), start=1
        )
    ),
)  # fmt: skip
