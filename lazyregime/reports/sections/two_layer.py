"""The two-layer flows: what each start and activation does under both scalings, and how its kernel moves with N."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportReturnType=false

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import two_layer_starts
from lazyregime.reports.pages.table import Cell, Line, Span, Table, columns, count, short
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.flows import MEASURES, flows, flows_table
from lazyregime.reports.tables.usual import Told

ORDER = 30
SHOWN = columns(left="target|σ|start", right="N|starts|risk, α = 1|kernel change|risk, α = √N|kernel change|~ N^|runs")
NOTES = ["At the last time and the largest N, means over the starts; the exponent over all N of the run."]


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Every complete flow, and the figure of their kernels."""
    chosen = flows(runs)
    if chosen.empty:
        return Section()
    drawings = {"two_layer_starts": Drawing(two_layer_starts.draw, chosen, two_layer_starts.CAPTION)}
    (pictures, troubles), told = save_figures(figures, drawings), flows_table(chosen)
    data = {"two_layer_flows": told.table.drop(columns="key")}
    return Section([flows_words(told)], pictures, data, troubles=troubles)


def flows_words(told: Told) -> Table:
    """A line a target, activation, start and settings."""
    lines: list[Line] = []
    for row in told.table.to_dict("records"):
        lines.append([Cell(text) for text in _row(row)])
        if row["settings"]:
            lines.append(Span(f"({row['settings']})", heading=False))
    return Table("Two-layer flows", SHOWN, lines, NOTES, told.unless)


def _row(row: Mapping[str, object]) -> list[str]:
    words = [str(row[key] or "-") for key in ("target", "activation", "init")]
    values = [short(float(row[key])) for key in MEASURES]
    return [*words, count(row["width"]), count(row["starts"]), *values, count(row["num_seeds"])]
