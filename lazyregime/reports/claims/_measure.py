"""Means, slopes and their 95% confidence intervals over seeds: mean ± t s / sqrt(n)."""

# pandas tells its types only in part.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from lazyregime.reports.claims._claim import Measurement


def over_seeds(values: Iterable[float], remark: str = "") -> Measurement | None:
    """The mean of one value a seed; None if there is no finite one."""
    x = np.asarray([v for v in values if np.isfinite(v)], dtype=np.float64)
    if x.size == 0:
        return None
    if x.size == 1:
        return Measurement(float(x[0]), float("nan"), float("nan"), 1, remark)
    half = float(stats.t.ppf(0.975, x.size - 1) * x.std(ddof=1) / np.sqrt(x.size))
    return Measurement(float(x.mean()), float(x.mean() - half), float(x.mean() + half), int(x.size), remark)


def log_slope(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """The exponent p of y = c x^p by least squares in the logarithms; NaN with fewer than two points."""
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    fine = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
    if np.unique(a[fine]).size < 2:
        return float("nan")
    return float(np.polyfit(np.log(a[fine]), np.log(b[fine]), 1)[0])


def log_slope_over_seeds(runs: pd.DataFrame, x: str, y: str, seed: str = "init_seed") -> Measurement | None:
    """The exponent of y in x, fitted for each seed apart."""
    if not {x, y, seed} <= set(runs.columns):
        return None
    slopes = [log_slope(part[x], part[y]) for _, part in runs.groupby(seed)]
    return over_seeds(slopes, f"x from {runs[x].min():.3g} to {runs[x].max():.3g}" if len(runs) else "")
