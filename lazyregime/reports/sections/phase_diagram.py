"""Phase diagrams: one for each network and data set that experiment=phase_diagram was run on."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportGeneralTypeIssues=false

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.figures import phase_plane
from lazyregime.reports.pages.table import Cell, Line, Table, columns, short
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.tags import tagged

ORDER = 32


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """A figure, a table and its numbers for each plane."""
    found = tagged(runs[runs.status == "complete"], "phase_diagram")
    if found.empty:
        return Section()
    found = found.dropna(subset=["laziness", "kernel_angle"])
    drawings: dict[str, Drawing] = {}
    tables: list[Table] = []
    data: dict[str, pd.DataFrame] = {}
    for (arch, name), plane in found.groupby(["arch", "data"]):
        key = f"phase_{arch}_{name}"
        drawings[key] = Drawing(phase_plane.draw, plane, f"{arch} on {name}. {phase_plane.CAPTION}")
        data[key] = phase_plane.boundaries(plane)
        tables.append(_table(f"Phase diagram: {arch} on {name}", data[key]))
    pictures, troubles = save_figures(figures, drawings)
    return Section(tables, pictures, data, troubles=troubles)


def _table(title: str, stars: pd.DataFrame) -> Table:
    """The boundary by width, the geometric mean over seeds, and its exponent."""
    lines: list[Line] = []
    for width, part in stars.groupby("width"):
        mean = partial(_geometric_mean, part)
        seeds = int(part.alpha.notna().sum())
        lines.append([Cell(f"{width:g}"), Cell(short(mean("alpha"))), Cell(short(mean("laziness"))), Cell(f"{seeds}")])
    power = phase_plane.exponent(stars)
    note = f"Where the kernel turned by 30 degrees: {phase_plane.told(power)} (95% interval over seeds)."
    return Table(title, columns(right="width|alpha*|laziness*|seeds"), lines, [note])


def _geometric_mean(part: pd.DataFrame, column: str) -> float:
    return float(np.exp(np.log(part[column]).mean()))
