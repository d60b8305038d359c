"""A part of the report: tables, figures, the numbers behind them, and the commands for what is missing."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lazyregime.reports._culprits import without_culprits
from lazyregime.reports.figures.style import house_style, save
from lazyregime.reports.pages.document import Picture
from lazyregime.reports.pages.table import Table
from lazyregime.reports.tables.tags import tagged


@dataclass(frozen=True)
class Drawing:
    """A figure that is yet to be drawn.

    Args:
        draw: From rows to the figure; None where they are no data for it.
        rows: Runs, or a table of them.
        caption: Below it.
    """

    draw: Callable[[pd.DataFrame], Figure | None]
    rows: pd.DataFrame
    caption: str


@dataclass(frozen=True)
class Section:
    """What one module of `reports/sections` found in the runs; everything may be empty."""

    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    data: dict[str, pd.DataFrame] = field(default_factory=dict)  # written as <name>.csv
    commands: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)  # what is left out of it, and why


def save_figures(folder: Path, drawings: Mapping[str, Drawing]) -> tuple[list[Picture], list[str]]:
    """Write the figures that there are data for; what had to be left out of them is left out of nothing else."""
    pictures: list[Picture] = []
    troubles: list[str] = []
    for name, drawing in drawings.items():
        path, told = without_culprits(partial(_saved, folder / f"{name}.png", drawing.draw), drawing.rows)
        pictures += [Picture(path, drawing.caption)] if path is not None else []
        troubles += [f"figure {name}: {trouble}" for trouble in told]
    return pictures, troubles


def _saved(path: Path, draw: Callable[[pd.DataFrame], Figure | None], rows: pd.DataFrame) -> Path | None:
    with house_style():
        figure = draw(rows)
        return None if figure is None else save(figure, path)


def figure_of_study(
    runs: pd.DataFrame, folder: Path, name: str, draw: Callable[[pd.DataFrame], Figure | None], caption: str
) -> Section:
    """The one figure of a study, of which complete runs have the name as a tag; nothing where there are none."""
    found = tagged(runs[runs.status == "complete"], name)
    if found.empty:
        return Section()
    pictures, troubles = save_figures(folder, {name: Drawing(draw, found, caption)})
    return Section(pictures=pictures, troubles=troubles)
