"""Exponents of power laws, and how curves of several widths collapse."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar

POINTS = 60  # at which two curves are compared


def log_slope(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """The exponent p of y = c x^p by least squares in the logarithms; NaN with fewer than two points."""
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    fine = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
    if np.unique(a[fine]).size < 2:
        return float("nan")
    return float(np.polyfit(np.log(a[fine]), np.log(b[fine]), 1)[0])


def collapse_exponent(runs: pd.DataFrame, y: str, *, logarithmic: bool, offsets: bool) -> float:
    r"""The s with which y depends on h^s alpha alone: min over s of the distance between curves of neighbouring widths.

    Args:
        runs: With `width`, `alpha` and `y`.
        y: The column.
        logarithmic: Compare the logarithms of y.
        offsets: Let each width have a constant of its own, as where its mean is subtracted.
    """
    curves = {float(h): _curve(part, y, logarithmic) for h, part in runs.groupby("width")}
    curves = {h: curve for h, curve in curves.items() if len(curve[0]) > 1}
    if len(curves) < 2:
        return float("nan")

    def distance(s: float) -> float:
        shifted = [(x + s * np.log(h), values) for h, (x, values) in sorted(curves.items())]
        pairs = pairwise(shifted)
        return float(np.mean([_distance(a, b, offsets) for a, b in pairs]))

    grid = np.linspace(-0.5, 1.5, 81)
    best = float(grid[np.argmin([distance(s) for s in grid])])
    return float(minimize_scalar(distance, bounds=(best - 0.05, best + 0.05), method="bounded").x)


Curve = tuple[np.ndarray, np.ndarray]


def _curve(part: pd.DataFrame, y: str, logarithmic: bool) -> Curve:
    means = part.groupby("alpha")[y].mean().dropna()
    values = np.log(means) if logarithmic else means
    return np.log(np.asarray(means.index, dtype=np.float64)), np.asarray(values, dtype=np.float64)


def _distance(first: Curve, second: Curve, offsets: bool) -> float:
    """Mean square over the range that both have; infinite where they hardly overlap."""
    low, high = max(first[0].min(), second[0].min()), min(first[0].max(), second[0].max())
    if high - low < 0.25 * (first[0].max() - first[0].min()):
        return float("inf")
    x = np.linspace(low, high, POINTS)
    gap = np.interp(x, *first) - np.interp(x, *second)
    return float(np.mean((gap - (gap.mean() if offsets else 0.0)) ** 2))
