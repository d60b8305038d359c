"""mean ± s / sqrt(n) over seeds, s the sample standard deviation."""

# pandas tells its types only in part.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its standard error; the error of a single seed is not known (NaN)."""

    mean: float
    error: float
    count: int

    @property
    def exists(self) -> bool:
        """Whether anything was measured."""
        return self.count > 0


def estimate(values: pd.Series) -> Estimate:
    """Summarize the finite values."""
    x = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    x = x[np.isfinite(x)]
    if x.size == 0:
        return Estimate(np.nan, np.nan, 0)
    error = float(x.std(ddof=1) / np.sqrt(x.size)) if x.size > 1 else np.nan
    return Estimate(float(x.mean()), error, int(x.size))
