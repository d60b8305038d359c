"""What each regime reaches: the network, and the kernel before and after training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lazyregime.reports.figures.axes import accuracy_axis
from lazyregime.reports.figures.style import COLOURS, GREY, columns_for, grid, labelled
from lazyregime.reports.tables.settings import data_name, with_width

CAPTION = (
    "Test accuracy by regime, mean and standard error over seeds: the network, and kernel regression (protocol adh) "
    "with its kernel at initialization and after training."
)
MARKS = (
    ("kernel_accuracy_adh_init", "o", False, "kernel at initialization"),
    ("kernel_accuracy_adh_final", "s", True, "kernel after training"),
    ("test_accuracy", "D", True, "network"),
)
MOST_PANELS = 9


def draw(table: pd.DataFrame) -> Figure | None:
    """From the regimes table; a panel for each network, width and data set that has more than one row to compare."""
    measures = [measure for measure, *_ in MARKS]
    parts = [part for _, part in table.groupby(["network", "width", "data"], sort=False, dropna=False) if len(part) > 1]
    panels = [part for part in parts if bool(part[measures].notna().to_numpy().any())][:MOST_PANELS]
    if not panels:
        return None
    columns = columns_for(len(panels))
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    heights = [0.9 + 0.42 * max(map(len, row)) for row in rows]
    figure, axes = grid(len(rows), columns, width=4.8, heights=[*heights[:-1], heights[-1] + 0.3])
    for ax, part in zip(axes.flat, panels, strict=False):
        _panel(ax, part)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    handles = [
        Line2D(
            [],
            [],
            color=GREY,
            marker=marker,
            linestyle="none",
            markersize=6 if filled else 10,
            markerfacecolor=GREY if filled else "white",
            label=label,
        )
        for _, marker, filled, label in MARKS
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _panel(ax: Axes, part: pd.DataFrame) -> None:
    rows = part.to_dict("records")
    for y, row in enumerate(rows):
        colour = COLOURS.get(row["regime"], GREY)
        known = [row[measure] for measure, *_ in MARKS if row[measure] == row[measure]]
        if known:
            ax.plot([min(known), max(known)], [y, y], color=colour, alpha=0.3, linewidth=3, solid_capstyle="round")
        for measure, marker, filled, _ in MARKS:
            error = row[f"{measure}_error"]
            ax.errorbar(row[measure], y, xerr=None if error != error else error, color=colour, marker=marker,
                        markersize=6 if filled else 10, markerfacecolor=colour if filled else "white",
                        linestyle="none", zorder=3)  # fmt: skip
    first = rows[0]
    ax.set_yticks(range(len(rows)), [_name(row) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    accuracy_axis(ax, part[[measure for measure, *_ in MARKS]].to_numpy(dtype=float).ravel(), "x")
    ax.set_title(f"{with_width(str(first['network']), first['width'])}, {data_name(first['data'])}")
    ax.set_xlabel("test accuracy")


def _name(row: dict[str, object]) -> str:
    return labelled(f"{row['regime']} {row['scale']}".rstrip(), str(row["settings"]))
