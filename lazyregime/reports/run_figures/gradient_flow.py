"""One gradient flow on one page: the losses, the error, and the distance from initialization against flow time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lazyregime.errors import LazyRegimeError
from lazyregime.reports.figures.axes import plain_log_axis
from lazyregime.reports.figures.style import COLOURS, GREY, house_style, save
from lazyregime.reports.reading.folder import read_metrics, read_run
from lazyregime.reports.run_figures.measures import draw_measures, measures_of, with_room
from lazyregime.reports.tables.settings import network_of


def draw_flow(folder: str | Path, result: Mapping[str, Any] | None = None) -> Path:
    """Draw `figures/summary.png` of the folder of a flow and return its path.

    Raises:
        LazyRegimeError: If nothing was measured yet.
    """
    folder = Path(folder)
    run, metrics = read_run(folder) | dict(result or {}), read_metrics(folder / "metrics.csv")
    if not {"time", "train_loss"} <= set(metrics):
        raise LazyRegimeError(f"{folder} has no measurements of a flow to draw: give its command again.")
    colour = COLOURS.get(str(run.get("regime")), GREY)
    with house_style():
        measures = measures_of(run, metrics)
        figure, above, below = with_room(9.2, 3.7, measures)
        left, right = above.subplots(1, 2)
        _curves(left, metrics, {"train_loss": colour, "test_loss": GREY}, "a  Loss")
        columns = {"relu_unchanged": GREY, "test_accuracy": colour}
        if not set(columns) & set(metrics):
            columns = {"parameter_displacement": colour}
        _curves(right, metrics, columns, "b  On the way", log=False)
        if below is not None:
            draw_measures(below, measures, at="time", colour=colour)
        known = [(word, run.get(key)) for word, key in (("width", "width"), ("α =", "alpha"), ("laziness", "laziness"))]
        how = "".join(f", {word} {value:.4g}" for word, value in known if isinstance(value, int | float))
        figure.suptitle(
            f"{run.get('regime')}: {network_of(run)}{how}\n"
            f"{run.get('flow_status', '')} at time {run.get('flow_time', float('nan')):.3g}",
            x=0.015, ha="left",
        )  # fmt: skip
        return save(figure, folder / "figures" / "summary.png", formats=("png",))


def _curves(ax: Axes, metrics: pd.DataFrame, columns: Mapping[str, str], title: str, *, log: bool = True) -> None:
    time = metrics["time"].to_numpy(dtype=float)
    later = time > 0
    for column, colour in columns.items():
        if column in metrics:
            ax.plot(time[later], metrics[column].to_numpy(dtype=float)[later], color=colour, label=_words(column))
    ax.set_xscale("log")
    if log:
        values = np.concatenate([metrics[c].to_numpy(dtype=float) for c in columns if c in metrics])
        if (values > 0).all():
            plain_log_axis(ax, values)
    ax.set_xlabel("flow time")
    ax.set_title(title)
    ax.legend()


def _words(column: str) -> str:
    return {
        "train_loss": "training loss",
        "test_loss": "test loss",
        "test_accuracy": "test accuracy",
        "relu_unchanged": "ReLUs unchanged",
        "parameter_displacement": "|w - w0| / |w0|",
    }[column]
