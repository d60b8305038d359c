"""The two-layer flows: what each start and activation does under both scalings, and how its kernel moves with N."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportReturnType=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import two_layer_starts
from lazyregime.reports.pages.table import Cell, Line, Table, short
from lazyregime.reports.section import Section, save_figures

ORDER = 30
COLUMNS = (
    *(("target", "left"), ("σ", "left"), ("start", "left"), ("N", "right"), ("seeds", "right")),
    *(("risk, α = 1", "right"), ("kernel change", "right")),
    *(("risk, α = √N", "right"), ("kernel change", "right"), ("~ N^", "right")),
)
MEASURES = (
    *("mean_field_risk", "mean_field_kernel_change", "ntk_risk", "ntk_kernel_change", "ntk_kernel_change_slope"),
)


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Every complete flow, and the figure of their kernels."""
    flows = runs[(runs.status == "complete") & (runs["command"] == "flow")] if "command" in runs else runs[:0]
    if len(flows):
        flows = flows.sort_values(["target", "activation", "init"])
    lines: list[Line] = [[Cell(text) for text in _row(flow)] for flow in flows.to_dict("records")]
    notes = ["At the last time and the largest N, means over the seeds; the exponent over all N of the run."]
    drawn = {"two_layer_starts": (two_layer_starts.draw(flows), two_layer_starts.CAPTION)}
    return Section([Table("Two-layer flows", COLUMNS, lines, notes if lines else [])], save_figures(figures, drawn))


def _row(flow: dict[str, object]) -> list[str]:
    told = [str(flow[key]) for key in ("target", "activation", "init")]
    counts = [f"{flow['width']:.0f}", f"{flow['num_seeds']:.0f}"]
    values = [flow.get(key) for key in MEASURES]
    return [*told, *counts, *(short(float(value)) if isinstance(value, int | float) else "-" for value in values)]
