"""Runs of VGG-11 over alpha, and their accuracies beside the tangent model's [COB19]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

import pandas as pd

from lazyregime.reports.claims._claim import Measurement
from lazyregime.reports.claims._seeds import Seeds
from lazyregime.reports.tables.tags import tagged

VGG = "vgg11"


def vggs(runs: pd.DataFrame, regime: str = "scaled") -> pd.DataFrame:
    """Those of VGG-11."""
    found = tagged(runs, "cob19", regime)
    return found[found.arch == VGG] if len(found) else found


def less_linearized(runs: pd.DataFrame, *, largest: bool) -> Measurement | None:
    """Test accuracy at one end of alpha less that of the tangent model."""
    scaled, linear = vggs(runs), vggs(runs, "lazy")
    if scaled.empty or linear.empty:
        return None
    alpha = scaled.alpha.max() if largest else scaled.alpha.min()
    each = [Seeds.of(part, seed="init_seed").mean("test_accuracy") for part in (scaled[scaled.alpha == alpha], linear)]
    return (each[0] - each[1]).measured(f"alpha {alpha:g}")
