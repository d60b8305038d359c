"""Kernel machines side by side: accuracy, or risk where there are no classes, against samples or features."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false
# pyright: reportIndexIssue=false

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.figures.axes import accuracy_axis, plain_log_axis, sizes_axis
from lazyregime.reports.figures.linearized import LOOK
from lazyregime.reports.figures.style import GREY, columns_for, grid, labelled
from lazyregime.reports.tables.machines import machine_words

CAPTION = (
    "Kernel machines, mean and standard error over seeds: accuracy on the test set, or risk over that of predicting "
    "zero where targets are no classes, against the number of training samples or of features."
)
MOST_PANELS, MOST_LINES = 9, 12
SIZES = {"n_train": "training samples", "num_features": "features"}
SPARE = ("#CC79A7", "#E69F00", "#000000", "#999933", "#44AA99", "#882255")


def draw(tables: Mapping[str, pd.DataFrame]) -> Figure | None:
    """A panel a data set: lines where a size was varied, else a point a machine."""
    panels = [(name, part, _measure(part)) for name, part in tables.items()]
    panels = [(name, part, measure) for name, part, measure in panels if part[measure].notna().any()][:MOST_PANELS]
    if not panels:
        return None
    columns = columns_for(len(panels))
    figure, axes = grid(-(-len(panels) // columns), columns, width=6.4 if columns == 1 else 5.0, heights=4.4)
    for ax, (name, part, measure) in zip(axes.flat, panels, strict=False):
        varied = next((size for size in SIZES if part.groupby("machine")[size].nunique().max() > 1), None)
        _points(ax, part, measure) if varied is None else _lines(ax, part, varied, measure)
        ax.set_title(name)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    return figure


def _measure(part: pd.DataFrame) -> str:
    return "test_accuracy" if part.test_accuracy.notna().any() else "test_risk"


def _lines(ax: Axes, part: pd.DataFrame, varied: str, measure: str) -> None:
    other = next(size for size in SIZES if size != varied)
    several = part.fillna({other: 0}).groupby("machine")[other].nunique().max() > 1
    by = ["machine", "at", "key", *([other] if several else [])]
    groups = list(part.groupby(by, sort=False, dropna=False))[:MOST_LINES]
    for number, (names, line) in enumerate(groups):
        ordered, style = line.dropna(subset=[measure]).sort_values(varied), _look(str(names[0]), names[1], number)
        size = f", {names[3]:g} {SIZES[other]}" if several and names[3] == names[3] else ""
        label = labelled(machine_words(*names[:2]) + size, str(line.settings.iloc[0]), 30)
        if ordered[varied].notna().any():
            errors = ordered[f"{measure}_error"]
            ax.errorbar(ordered[varied], ordered[measure], errors, label=label, **style)
        elif len(ordered):  # without features it has no place on the axis: a level
            ax.axhline(ordered[measure].iloc[0], color=style["color"], linestyle=style["linestyle"], label=label)
    sizes_axis(ax, part[varied].dropna().to_numpy(dtype=float))
    _scale(ax, part[measure], measure, "y")
    ax.set_xlabel(SIZES[varied])
    ax.set_ylabel(_words(measure))
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)


def _points(ax: Axes, part: pd.DataFrame, measure: str) -> None:
    rows = part.dropna(subset=[measure]).head(MOST_LINES).to_dict("records")
    for y, row in enumerate(rows):
        error = row[f"{measure}_error"]
        style = _look(str(row["machine"]), row["at"], y) | {"linestyle": "none", "marker": "o"}
        ax.errorbar(row[measure], y, xerr=None if error != error else error, **style)
    labels = [labelled(machine_words(row["machine"], row["at"]), str(row["settings"]), 30) for row in rows]
    ax.set_yticks(range(len(rows)), labels)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    _scale(ax, part[measure], measure, "x")
    ax.set_xlabel(_words(measure))


def _look(machine: str, at: object, number: int) -> dict[str, str]:
    colour, marker, line = LOOK.get(f"{machine} {at}") or LOOK.get(machine) or (SPARE[number % len(SPARE)], "o", "-")
    return {"color": colour or GREY, "marker": marker or "o", "linestyle": line}


def _scale(ax: Axes, values: pd.Series, measure: str, which: str) -> None:
    if measure == "test_accuracy":
        accuracy_axis(ax, values.to_numpy(dtype=float), which)
    elif which == "y" and (values.dropna() > 0).all():
        plain_log_axis(ax, values.dropna().to_numpy(dtype=float))


def _words(measure: str) -> str:
    return "test accuracy" if measure == "test_accuracy" else "risk / risk of zero"
