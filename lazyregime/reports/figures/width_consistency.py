"""What widths have in common: learning curves, distance, variance, bias and turn of the kernel by width [VAB+23]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.claims.width_consistency import TIME, at, mup, ntk
from lazyregime.reports.figures.style import grid, shades
from lazyregime.reports.reading.files import read_metrics

CAPTION = (
    "Test loss against flow time at laziness 1 by width (first initialization); distance of one network's outputs from "
    "the mean of the widest, early and at the end, variance and squared bias of the mean at the end, all relative; and "
    "the sine of the kernel's turn at laziness 1 and at alpha 1, means over initializations."
)


def distances(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a width: distances early and late; at the end variance, squared bias, loss of one and of the mean."""
    early, late = at(runs, "early"), at(runs, "late")
    if early is None or late is None:
        return pd.DataFrame()
    rows = []
    for width, values in late.outputs.items():
        one = {"width": width, "early": early.distance(width), "late": late.distance(width)}
        one |= {"variance": late.relative_variance(width), "squared_bias": late.squared_bias(width)}
        rows.append(one | {"loss": late.loss(values), "loss_of_mean": late.loss(values.mean(0))})
    return pd.DataFrame(rows)


def turns(runs: pd.DataFrame) -> pd.DataFrame:
    """The mean sine of the kernel's turn at the end, a row a width."""
    found = runs[runs[TIME].astype(float) == runs[TIME].astype(float).max()]
    return found.groupby("width").kernel_angle.mean().reset_index()


def draw(runs: pd.DataFrame) -> Figure | None:
    """Three panels; None without three widths early and late."""
    table = distances(runs)
    if table.empty:
        return None
    figure, axes = grid(1, 3, 4.4, 3.6)
    curves, apart, turn = axes.flat
    _curves(curves, mup(runs))
    narrower = table.iloc[:-1]
    for column, label in (("early", "distance, early"), ("late", "distance, at the end")):
        apart.plot(narrower.width, narrower[column], "o-", label=label)
    apart.plot(narrower.width, np.sqrt(narrower.variance), "s--", label="sqrt(variance), at the end")
    bias = narrower[narrower.squared_bias > 0]
    apart.plot(bias.width, np.sqrt(bias.squared_bias), "^:", label="bias of the mean, at the end")
    apart.set(xscale="log", yscale="log", xlabel="width", ylabel="relative to the widest's mean")
    apart.legend()
    for which, label in ((mup, "laziness 1 (mup)"), (ntk, "alpha 1 (ntk)")):
        if len(found := which(runs)):
            mean = turns(found)
            turn.plot(mean.width, mean.kernel_angle, "o-", label=label)
    turn.set(xscale="log", yscale="log", xlabel="width", ylabel="sine of the kernel's turn")
    turn.legend()
    for ax in (apart, turn):
        ax.set_xticks(table.width, [f"{width:g}" for width in table.width])
        ax.minorticks_off()
    return figure


def _curves(ax: Axes, runs: pd.DataFrame) -> None:
    late = runs[runs[TIME].astype(float) == runs[TIME].astype(float).max()]
    widths = sorted(late.width.unique())
    for width, colour in zip(widths, shades(len(widths)), strict=True):
        run = late[late.width == width].sort_values("init_seed").iloc[0]
        rows = read_metrics(Path(run.path) / "metrics.csv")
        rows = rows[rows.time > 0]
        ax.plot(rows.time, rows.train_loss, "--", color=colour, linewidth=1.2)
        ax.plot(rows.time, rows.test_loss, "-", color=colour, label=f"{width:g}")
    ax.set(xscale="log", yscale="log", xlabel="flow time", ylabel="loss (dashed: training)")
    ax.legend(title="width")
