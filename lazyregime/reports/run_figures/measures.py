"""Every metric of a run: a list of its values at both ends, and a panel for each that was measured in between."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

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
    return Measures(metric_rows(run), metrics, [name for name in known if int(finite[name].sum()) > 2][:MOST])


def with_room(width: float, height: float, measures: Measures) -> tuple[Figure, FigureBase, FigureBase | None]:
    """A figure, the part of this size (inches) for what it is about, and the part below it for measures."""
    figure = Figure(figsize=(width, height + measures.height), layout="constrained")
    if not measures.rows:
        return figure, figure, None
    parts: Any = figure.subfigures(2, 1, height_ratios=[height, measures.height])
    return figure, parts[0], parts[1]


def draw_measures(part: FigureBase, measures: Measures, *, at: str, colour: str) -> None:
    """Draw into this part of a figure; `at` is the column of metrics.csv that the panels go along."""
    deep = ceil(len(measures.names) / COLUMNS)
    heights = [0.3 + LINE * ceil(len(measures.rows) / 2), *[PANEL] * deep]
    grid = part.add_gridspec(1 + deep, COLUMNS, height_ratios=heights)
    _list(part.add_subplot(grid[0, :]), measures.rows)
    for number, name in enumerate(measures.names):
        x, y = (measures.metrics[column].to_numpy(dtype=float) for column in (at, name))
        ax = part.add_subplot(grid[1 + number // COLUMNS, number % COLUMNS])
        ax.set(title=name.replace("_", " "), xlabel=at)
        _course(ax, x, y, colour, log=at == "time")  # a flow starts at 0, and all happens in decades


def _list(ax: Axes, rows: list[tuple[str, str]]) -> None:
    """Two columns of words and values."""
    ax.set_axis_off()
    ax.set_title("Measures")
    deep = ceil(len(rows) / 2)
    for number, (words, value) in enumerate(rows):
        x, y = (0.0 if number < deep else 0.52), 1 - (number % deep + 0.5) / deep
        ax.text(x, y, words, transform=ax.transAxes, va="center", fontsize=8.8)
        ax.text(x + 0.47, y, value, transform=ax.transAxes, va="center", ha="right", fontsize=8.8, weight="bold")


def _course(ax: Axes, x: np.ndarray, y: np.ndarray, colour: str, *, log: bool) -> None:
    shown = np.isfinite(x) & np.isfinite(y) & ((x > 0) | (not log))
    ax.plot(x[shown], y[shown], color=colour, marker="." if shown.sum() < 30 else None)
    if log:
        ax.set_xscale("log")
    ax.title.set(fontsize=8.8, weight="normal")
    ax.xaxis.label.set_fontsize(8)
    ax.tick_params(labelsize=8)
