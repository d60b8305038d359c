"""A part of the report: tables, figures, the numbers behind them, and the commands for what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lazyregime.reports.figures.style import save
from lazyregime.reports.pages.document import Picture
from lazyregime.reports.pages.table import Table

Drawn = Mapping[str, tuple[Figure | None, str]]  # name: (figure, or None where there are no data for it; caption)


@dataclass(frozen=True)
class Section:
    """What one module of `reports/sections` found in the runs; everything may be empty."""

    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    data: dict[str, pd.DataFrame] = field(default_factory=dict)  # written as <name>.csv
    commands: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)  # what is left out of it, and why


def save_figures(folder: Path, drawn: Drawn) -> list[Picture]:
    """Write the figures that there are data for."""
    return [
        Picture(save(figure, folder / f"{name}.png"), caption)
        for name, (figure, caption) in drawn.items()
        if figure is not None
    ]
