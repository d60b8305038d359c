"""What a sweep over alpha says at its ends [COB19]: gates that are stable, and what falls."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportReturnType=false

import pandas as pd

from lazyregime.reports.claims._claim import Measurement
from lazyregime.reports.claims._seeds import Seeds, ends


def stable_gates(found: pd.DataFrame) -> Measurement | None:
    """The fraction of ReLUs unchanged at the largest alpha."""
    if found.empty or "relu_unchanged" not in found:
        return None
    last = found[found.alpha == found.alpha.max()]
    return Seeds.of(last, seed="init_seed").mean("relu_unchanged").measured(f"alpha {found.alpha.max():g}")


def falls(found: pd.DataFrame, column: str) -> Measurement | None:
    """The column at the smallest alpha less that at the largest."""
    if found.empty or found.alpha.nunique() < 2:
        return None
    smallest, largest = ends(found, "alpha", column, "init_seed")
    return (smallest - largest).measured(f"alpha {found.alpha.min():g} against {found.alpha.max():g}")
