"""Richness and learning rate [AMSP25]: the stability diagram and its rates, where the runs are there."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false

from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims.learning_rate import rates
from lazyregime.reports.figures import learning_rate
from lazyregime.reports.pages.table import Cell, Line, Table, columns, short
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.tags import tagged

ORDER = 35
NOTE = (
    "gamma = 1/laziness, learning rates of a loss that is not divided by alpha^2 and in mean-field units, lr / "
    "laziness^2. Geometric means over the seeds of which they are known: of the largest stable rate, which lies "
    "between two that were tried, and of the best one; the test loss is that of the latter, a mean."
)


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """The diagram, and a row for each depth and gamma."""
    found = tagged(runs[runs.status == "complete"], "learning_rate")
    if found.empty or "diverged_at" not in found:
        return Section()
    drawing = Drawing(learning_rate.draw, found, learning_rate.CAPTION)
    pictures, troubles = save_figures(figures, {"learning_rate": drawing})
    table = rates(found)
    return Section([_table(table)], pictures, {"learning_rate": table}, troubles=troubles)


def _table(found: pd.DataFrame) -> Table:
    lines: list[Line] = []
    for (layers, gamma), part in found.groupby(["layers", "gamma"]):
        means = [np.exp(np.log(part[name]).mean()) for name in ("stable", "best")]
        told = [f"{layers:g}", f"{gamma:g}", *(short(float(mean)) for mean in means), short(float(part.loss.mean()))]
        lines.append([Cell(text) for text in [*told, f"{part.stable.notna().sum()}"]])
    shown = columns(right="layers|gamma|largest stable|best|test loss|seeds")
    return Table("Largest stable and best learning rate", shown, lines, [NOTE])
