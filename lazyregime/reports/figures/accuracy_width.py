"""Accuracy against width: the poster's three rows, both protocols, and the published values as hollow markers."""

# pandas tells its types only in part.
# pyright: reportGeneralTypeIssues=false

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lazyregime.reports.figures.axes import accuracy_axis, width_axis
from lazyregime.reports.figures.style import COLOURS, GREY, MARKERS, columns_for, grid, labelled, tint
from lazyregime.reports.tables.published import POSTER, ROWS

CAPTION = (
    "Test accuracy against width, mean and standard error over seeds. Lazy and Feature are kernel regression with the "
    "kernel at initialization and after training; Regular is the network itself. The error (1 - accuracy) falls by "
    "equal factors up the axis."
)
OFFSETS = {"poster": 0.975, "adh": 1.025, "none": 1.0}  # so that error bars stand beside each other
LINES = {"poster": "--", "adh": "-", "none": "-"}


def draw(table: pd.DataFrame) -> Figure | None:
    """From the poster table's numbers; a panel for each architecture and each set of settings."""
    panels = [part for _, part in table.groupby(["network", "key"], sort=False) if part["mean"].notna().any()][:6]
    if not panels:
        return None
    columns = columns_for(len(panels))
    figure, axes = grid(-(-len(panels) // columns), columns, width=5.2 if columns == 1 else 4.6, heights=4.6)
    for ax, part in zip(axes.flat, panels, strict=False):
        _panel(ax, part)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    axes[0, 0].set_ylabel("test accuracy")
    figure.legend(handles=_legend(), loc="outside lower center", ncols=3)
    return figure


def _panel(ax: Axes, part: pd.DataFrame) -> None:
    first = part.iloc[0]
    poster = [column for column in POSTER if first.network == column.arch.upper()]
    seen = [part["mean"].to_numpy(dtype=float)]
    for (row, protocol), line in part.dropna(subset="mean").groupby(["row", "protocol"], sort=False):
        name, x = str(row).lower(), line.width.to_numpy(dtype=float) * OFFSETS[str(protocol)]
        face = tint(COLOURS[name], 0.4) if protocol == "poster" else COLOURS[name]
        ax.plot(x, line["mean"], color=COLOURS[name], marker=MARKERS[name], markersize=5.5, markerfacecolor=face,
                linestyle=LINES[str(protocol)])  # fmt: skip
        ax.errorbar(x, line["mean"], yerr=line.standard_error, color=COLOURS[name], linestyle="none")
    for row in ROWS:
        points = [
            (c.width, value) for c in poster if (value := c.value(row)) is not None and c.width in set(part.width)
        ]
        if points:
            x, y = np.array(points, dtype=float).T
            ax.plot(x, y, color=COLOURS[row.lower()], marker=MARKERS[row.lower()], markerfacecolor="white",
                    markersize=9, markeredgewidth=1.4, linestyle="none", zorder=1.5)  # fmt: skip
            seen.append(y)
    width_axis(ax, part.width.to_numpy(dtype=float))
    accuracy_axis(ax, np.concatenate(seen))
    ax.set_title(labelled(str(first.network), str(first.settings), 52))
    ax.set_xlabel("width (hidden units)" if first.arch == "mlp" else "width (channels)")


def _legend() -> list[Line2D]:
    rows = [
        Line2D([], [], color=COLOURS[row.lower()], marker=MARKERS[row.lower()], label=label)
        for row, label in zip(
            ROWS, ("Lazy: kernel at init", "Feature: kernel after training", "Regular: network"), strict=True
        )
    ]
    return [
        *rows,
        Line2D([], [], color=GREY, marker="o", linestyle="-", label="protocol adh"),
        Line2D(
            [], [], color=GREY, marker="o", markerfacecolor=tint(GREY, 0.4), linestyle="--", label="protocol poster"
        ),
        Line2D(
            [], [], color=GREY, marker="o", markersize=9, markerfacecolor="white", linestyle="none", label="published"
        ),
    ]
