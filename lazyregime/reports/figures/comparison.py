"""Two groups of runs, row by row: the hollow point is A, the filled one is B."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportReturnType=false

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lazyregime.reports.figures.axes import accuracy_axis
from lazyregime.reports.figures.style import COLOURS, GREY, grid, labelled

CAPTION = (
    "What each row of the comparison reached, mean and standard error over seeds: group A (hollow) and B (filled)."
)
FIRST = {
    **{"test_accuracy": "test accuracy", "test_loss": "test loss", "test_risk": "test risk"},
    **{"mean_field_risk": "risk, α = 1", "ntk_risk": "risk, α = √N"},
}
NOT_NAMES = ("settings", "seeds_A", "seeds_B")
MOST_ROWS = 30


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure | None:
    """A panel a command, a line a row that both groups have."""
    panels = [panel for title, rows in tables.items() if (panel := _panel_of(title, rows)) is not None]
    if not panels:
        return None
    heights = [0.9 + 0.36 * len(rows) for _, rows, _ in panels]
    figure, axes = grid(len(panels), 1, width=7.4, heights=[*heights[:-1], heights[-1] + 0.4])
    for ax, (title, rows, measure) in zip(axes.flat, panels, strict=True):
        _panel(ax, rows, measure)
        ax.set_title(title)
    marks = [("A", "white"), ("B", GREY)]
    handles = [
        Line2D([], [], color=GREY, marker="o", linestyle="none", markersize=8, markerfacecolor=face, label=name)
        for name, face in marks
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def _panel_of(title: str, rows: pd.DataFrame) -> tuple[str, pd.DataFrame, str] | None:
    for measure in FIRST:
        if f"{measure}_difference" in rows:
            both = rows[rows[f"{measure}_difference"].notna()]
            if len(both):
                return title, both.head(MOST_ROWS), measure
    return None


def _panel(ax: Axes, rows: pd.DataFrame, measure: str) -> None:
    records = rows.to_dict("records")
    for y, row in enumerate(records):
        colour = COLOURS.get(str(row.get("regime")), GREY)
        a, b = row[f"{measure}_A"], row[f"{measure}_B"]
        ax.plot([a, b], [y, y], color=colour, alpha=0.3, linewidth=3, solid_capstyle="round")
        for one, size, face in (("A", 9, "white"), ("B", 6, colour)):
            error = row[f"{measure}_{one}_error"]
            ax.errorbar(row[f"{measure}_{one}"], y, xerr=None if error != error else error, color=colour, marker="o",
                        markersize=size, markerfacecolor=face, linestyle="none", zorder=3)  # fmt: skip
    names = [name for name in rows.columns if name.startswith(tuple(FIRST)) or name in NOT_NAMES]
    by = [name for name in rows.columns if name not in names and not name.startswith("kernel_change")]
    ax.set_yticks(range(len(records)), [labelled(_name(row, by), str(row["settings"])) for row in records])
    ax.set_ylim(len(records) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    if measure == "test_accuracy":
        accuracy_axis(ax, rows[[f"{measure}_A", f"{measure}_B"]].to_numpy(dtype=float).ravel(), "x")
    ax.set_xlabel(FIRST[measure])


def _name(row: Mapping[str, object], by: list[str]) -> str:
    told = [(key, row[key]) for key in by if row[key] is not None and row[key] == row[key]]
    words = {"alpha": "α = "}
    return ", ".join(words.get(key, "") + (f"{v:.3g}" if isinstance(v, float) else str(v)) for key, v in told)
