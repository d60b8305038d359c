"""What the claims about laziness measure: crossings, the variance of outputs over initializations, ensembles."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from lazyregime.reports.claims._claim import Measurement
from lazyregime.reports.reading.folder import read_kernels

Array = np.ndarray


def crossing(x: npt.ArrayLike, y: npt.ArrayLike, level: float = 1.0) -> float:
    """Where a curve first falls through a level, interpolated in both logarithms; NaN if it does not."""
    order = np.argsort(x)
    a, b = np.log(np.asarray(x, float)[order]), np.log(np.asarray(y, float)[order] / level)
    for i in range(len(a) - 1):
        if b[i] >= 0 > b[i + 1]:
            return float(np.exp(a[i] + (a[i + 1] - a[i]) * b[i] / (b[i] - b[i + 1])))
    return float("nan")


def peak(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Where y is largest, by the parabola through the highest point and its neighbours in both logarithms.

    At an end there is no peak; the end itself is returned, which lies outside of where any peak is expected.
    """
    order = np.argsort(x)
    a, b = np.log(np.asarray(x, float)[order]), np.log(np.asarray(y, float)[order])
    i = int(b.argmax())
    if i in (0, len(a) - 1):
        return float(np.exp(a[i]))
    curvature, slope, _ = np.polyfit(a[i - 1 : i + 2] - a[i], b[i - 1 : i + 2] - b[i], 2)
    return float(np.exp(a[i] - slope / (2 * curvature))) if curvature < 0 else float(np.exp(a[i]))


def outputs(runs: pd.DataFrame) -> tuple[Array, Array]:
    """F on the test set, (runs, m), and the labels as -1 and +1."""
    kernels = [read_kernels(Path(path) / "kernels.safetensors", ("test_outputs", "test_labels")) for path in runs.path]
    values = np.stack([k["test_outputs"][:, 0] for k in kernels])
    return values, 2 * kernels[0]["test_labels"] - 1


def variance(values: Array) -> float:
    """Of F over initializations, the mean over test points."""
    return float(values.var(axis=0, ddof=1).mean())


def ensemble_error(values: Array, labels: Array) -> float:
    """Of the sign of the mean of F over initializations."""
    return float((np.sign(values.mean(axis=0)) != labels).mean())


def jackknife(members: int, statistic: Callable[[Array], float], remark: str = "") -> Measurement | None:
    """A statistic of all members, with the 95% interval that leaving one out at a time gives."""
    if members < 3:
        return None
    everyone = np.arange(members)
    value = statistic(everyone)
    without = np.array([statistic(np.delete(everyone, i)) for i in everyone])
    error = np.sqrt((members - 1) / members * ((without - without.mean()) ** 2).sum())
    half = float(stats.t.ppf(0.975, members - 1) * error)
    return None if not np.isfinite(value) else Measurement(value, value - half, value + half, members, remark)
