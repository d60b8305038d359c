"""Every metric of a run: a list of its values at both ends, and a panel for each that was measured on the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

LINE, PANEL, COLUMNS, MOST = 0.21, 1.55, 4, 8  # inches; panels beside each other, and in all


@dataclass(frozen=True)
class Measures:
    """What is to be drawn: the rows of the list, and metrics.csv with those of its columns that have a course."""

    rows: list[tuple[str, str]]
    metrics: pd.DataFrame
    names: list[str]

    @property
    def height(self) -> float:
        """Of the part of a figure that they need, in inches; 0 for nothing."""
        deep = ceil(len(self.names) / COLUMNS)
        return 0.45 + LINE * ceil(len(self.rows) / 2) + PANEL * deep if self.rows else 0.0


def measures_of(run: Mapping[str, Any], metrics: pd.DataFrame) -> Measures:
    """Of a result, and of the rows of metrics.csv."""
    from lazyregime.measure import metric_rows  # torch takes a second
    from lazyregime.measure.metrics import all_metrics

    known = [metric.name for metric in all_metrics() if metric.name in metrics]
    finite = {name: np.isfinite(metrics[name].to_numpy(dtype=float)) for name in known}
    return Measures(metric_rows(run), metrics, [name for name in known if int(finite[name].sum()) > 1][:MOST])


def draw_measures(part: FigureBase, measures: Measures, *, at: str, colour: str) -> None:
    """Draw into this part of a figure; `at` is the column of metrics.csv that the panels go along."""
    deep = ceil(len(measures.names) / COLUMNS)
    heights = [0.3 + LINE * ceil(len(measures.rows) / 2), *[PANEL] * deep]
    grid = part.add_gridspec(1 + deep, COLUMNS, height_ratios=heights)
    _list(part.add_subplot(grid[0, :]), measures.rows)
    for number, name in enumerate(measures.names):
        _course(part.add_subplot(grid[1 + number // COLUMNS, number % COLUMNS]), measures.metrics[[at, name]], colour)


def _list(ax: Axes, rows: list[tuple[str, str]]) -> None:
    """Two columns of words and values."""
    ax.set_axis_off()
    ax.set_title("Measures")
    deep = ceil(len(rows) / 2)
    for number, (words, value) in enumerate(rows):
        x, y = (0.0 if number < deep else 0.52), 1 - (number % deep + 0.5) / deep
        ax.text(x, y, words, transform=ax.transAxes, va="center", fontsize=8.8)
        ax.text(x + 0.47, y, value, transform=ax.transAxes, va="center", ha="right", fontsize=8.8, weight="bold")


def _course(ax: Axes, line: pd.DataFrame, colour: str) -> None:
    at, name = line.columns
    values = line.dropna().to_numpy(dtype=float)
    if at == "time":  # of a flow: it starts at 0, and everything happens in decades
        values = values[values[:, 0] > 0]
        ax.set_xscale("log")
    ax.plot(values[:, 0], values[:, 1], color=colour, marker="." if len(values) < 30 else None)
    ax.set_title(str(name).replace("_", " "), fontsize=8.8, weight="normal")
    ax.set_xlabel(str(at), fontsize=8)
    ax.tick_params(labelsize=8)
