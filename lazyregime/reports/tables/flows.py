"""Two-layer flows: the risk and the change of the kernel under both scalings, at the last time and the largest N."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pandas as pd

from lazyregime.reports.tables.averages import averages, with_keys
from lazyregime.reports.tables.settings import TOLD_OF_A_FLOW
from lazyregime.reports.tables.usual import Told

MEASURES = (
    *("mean_field_risk", "mean_field_kernel_change", "ntk_risk", "ntk_kernel_change", "ntk_kernel_change_slope"),
)


def flows(runs: pd.DataFrame) -> pd.DataFrame:
    """The complete two-layer flows, with their keys."""
    chosen = runs["command"] == "flow" if "command" in runs else pd.Series(False, runs.index)
    return with_keys(runs[(runs.status == "complete") & chosen])


def flows_table(runs: pd.DataFrame) -> Told:
    """One row a target, activation, start, width and settings, such as the integrator; runs of other seeds averaged."""
    renamed = runs.rename(columns={"num_seeds": "starts"})
    by = ("target", "activation", "init", "width", "starts")
    found = averages(renamed, by, MEASURES, told=TOLD_OF_A_FLOW)
    order = found.table.sort_values(["target", "activation", "init", "width", "settings"])
    return Told(order.reset_index(drop=True), found.unless)
