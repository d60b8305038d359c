"""What is measured of VGG-11 over alpha: accuracies at both ends, stable gates, the tangent model [COB19]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

import pandas as pd

from lazyregime.reports.claims._claim import Measurement
from lazyregime.reports.claims._seeds import Seeds, ends
from lazyregime.reports.tables.tags import tagged

VGG = "vgg11"


def vggs(runs: pd.DataFrame, regime: str = "scaled") -> pd.DataFrame:
    """Those of VGG-11."""
    found = tagged(runs, "cob19", regime)
    return found[found.arch == VGG] if len(found) else found


def falls(column: str, runs: pd.DataFrame) -> Measurement | None:
    """The column at the smallest alpha less that at the largest."""
    found = vggs(runs)
    if found.empty or found.alpha.nunique() < 2:
        return None
    smallest, largest = ends(found, "alpha", column, "init_seed")
    return (smallest - largest).measured(f"alpha {found.alpha.min():g} against {found.alpha.max():g}")


def stability(runs: pd.DataFrame) -> Measurement | None:
    """The fraction of ReLUs unchanged at the largest alpha."""
    found = vggs(runs)
    if found.empty or "relu_unchanged" not in found:
        return None
    last = found[found.alpha == found.alpha.max()]
    return Seeds.of(last, seed="init_seed").mean("relu_unchanged").measured(f"alpha {last.alpha.iloc[0]:g}")


def less_linearized(runs: pd.DataFrame, *, largest: bool) -> Measurement | None:
    """Test accuracy at one end of alpha less that of the tangent model."""
    scaled, linear = vggs(runs), vggs(runs, "lazy")
    if scaled.empty or linear.empty:
        return None
    alpha = scaled.alpha.max() if largest else scaled.alpha.min()
    each = [Seeds.of(part, seed="init_seed").mean("test_accuracy") for part in (scaled[scaled.alpha == alpha], linear)]
    return (each[0] - each[1]).measured(f"alpha {alpha:g}")
