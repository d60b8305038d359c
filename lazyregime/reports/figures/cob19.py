"""Figures of [COB19] from our runs: accuracy and activations against alpha, and the teacher-student problem."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.claims._flows import outputs
from lazyregime.reports.figures.axes import plain_log_axis, width_axis
from lazyregime.reports.figures.style import COLOURS, GREY, grid, shades

CAPTIONS = {
    "alpha": "Test accuracy of the network and with its gates as at initialization, the fraction of ReLUs unchanged by "
    "layer, and the distances from w0 and from the tangent model, against alpha. After figure 3 of [COB19].",
    "vgg": "VGG-11 on CIFAR-10: training and test accuracy against alpha with that of the tangent model, and the "
    "fraction of ReLUs unchanged by layer (dashed: winners of pools), that of all ReLUs in black. After figure 3 of "
    "[COB19].",
    "teacher": "Test loss of the student against the scale of its initialization, and against its width under both "
    "output scalings: at the end and at its best. After figure 2 of [COB19].",
}


def alpha_sweep(runs: pd.DataFrame, lazy: pd.DataFrame) -> Figure | None:
    """Accuracy, activation stability and distances."""
    if runs.empty or runs.alpha.nunique() < 3:
        return None
    figure, axes = grid(1, 3, 4.1, 3.8)
    for column, colour, label in (
        ("test_accuracy", COLOURS["scaled"], "network"),
        ("frozen_gates_test_accuracy", GREY, "gates frozen"),
    ):
        if column in runs:
            _line(axes[0, 0], runs, "alpha", column, colour, label)
    if len(lazy):
        axes[0, 0].axhline(lazy.test_accuracy.mean(), color=COLOURS["lazy"], linestyle="--", label="tangent model")
    layers = sorted(c for c in runs if str(c).startswith("relu_unchanged/"))
    for column, colour in zip(layers, shades(len(layers)), strict=True):
        _line(axes[0, 1], runs, "alpha", column, colour, str(column).rpartition("/")[2])
    _line(axes[0, 2], runs, "alpha", "sup_displacement", COLOURS["scaled"], "sup |w - w0|")
    gaps = _distance(runs, lazy)
    if len(gaps):
        _line(axes[0, 2], gaps, "alpha", "gap", COLOURS["lazy"], "rms |F - F_lin|")
    x = np.array([max(1.0, runs.alpha.min()), runs.alpha.max()])
    axes[0, 2].plot(x, 3 / x, ":", color="black", label="slope -1")
    axes[0, 2].set_yscale("log")
    for ax, title in zip(axes.flat, ("a  Test accuracy", "b  ReLUs unchanged", "c  Distances"), strict=True):
        _finish(ax, title, "α")
    return figure


def vgg(runs: pd.DataFrame, lazy: pd.DataFrame) -> Figure | None:
    """Figure 3 of the paper: accuracy and stability of activations over alpha."""
    if runs.empty or runs.alpha.nunique() < 2:
        return None
    figure, axes = grid(1, 2, 5.0, 3.9)
    lines = (("train", "--"), ("test", "-"))
    for split, style in lines:
        percent = runs.assign(y=100 * runs[f"{split}_accuracy"])
        _line(axes[0, 0], percent, "alpha", "y", COLOURS["scaled"], f"{split}", style)
        if len(lazy):
            level = 100 * lazy[f"{split}_accuracy"].mean()
            axes[0, 0].axhline(level, color=COLOURS["lazy"], linestyle=style, label=f"{split}, tangent model")
    frozen = runs.assign(y=100 * runs.frozen_gates_test_accuracy)
    _line(axes[0, 0], frozen, "alpha", "y", GREY, "test, gates frozen", ":")
    for kind, style in (("layer", "-"), ("pool", "--")):
        names = sorted(c for c in runs if str(c).startswith(f"relu_unchanged/{kind}"))
        for name, colour in zip(names, shades(len(names)), strict=True):
            _line(
                axes[0, 1], runs.assign(y=100 * runs[name]), "alpha", "y", colour, str(name).rpartition("/")[2], style
            )
    _line(axes[0, 1], runs.assign(y=100 * runs.relu_unchanged), "alpha", "y", "black", "all ReLUs")
    for ax, title, words in zip(
        axes.flat, ("a  Accuracy", "b  Stability of activations"), ("%", "% unchanged"), strict=True
    ):
        _finish(ax, title, "α")
        ax.set_ylabel(words)
    axes[0, 0].set_ylim(0, 100)
    axes[0, 0].legend(fontsize=7, loc="upper right")
    axes[0, 1].legend(fontsize=6, ncols=2, loc="lower right")
    return figure


def teacher(runs: pd.DataFrame) -> Figure | None:
    """Test loss against scale, and against width."""
    if runs.empty or "mean_field" not in set(runs.parameterization):
        return None
    figure, axes = grid(1, 2, 4.8, 3.9)
    runs = runs.assign(tau=runs.alpha**0.5, end=1e3 * runs.test_loss, best=1e3 * runs.best_test_loss)
    scale = runs[(runs.width == 50) & (runs.parameterization == "ntk")]
    for column, style, label in (("end", "-", "end of training"), ("best", "--", "best throughout")):
        _line(axes[0, 0], scale, "tau", column, COLOURS["scaled"], label, style)
    for parameterization, colour, label in (
        ("ntk", COLOURS["lazy"], "1/√m"),
        ("mean_field", COLOURS["feature"], "1/m"),
    ):
        part = runs[(runs.alpha == 1) & (runs.parameterization == parameterization)]
        part = part[part.width.isin(runs[runs.parameterization == "mean_field"].width)]
        _line(axes[0, 1], part, "width", "end", colour, label)
    _finish(axes[0, 0], "a  Test loss against scale", "scale of initialization  τ = √α")
    _finish(axes[0, 1], "b  against width", "width m")
    width_axis(axes[0, 1], runs[runs.parameterization == "mean_field"].width.to_numpy())
    means = runs.groupby(["width", "parameterization", "alpha"])[["best", "end"]].mean().to_numpy()
    for ax in axes.flat:
        plain_log_axis(ax, means)
        ax.set_ylabel("test loss / 10⁻³")
    return figure


def _distance(runs: pd.DataFrame, lazy: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for seed, part in runs.groupby("init_seed"):
        reference = lazy[lazy.init_seed == seed]
        if len(reference):
            limit = outputs(reference)[0][0]
            gaps = np.sqrt(((outputs(part)[0] - limit) ** 2).mean(axis=1))
            rows += [{"alpha": a, "gap": g} for a, g in zip(part.alpha, gaps, strict=True)]
    return pd.DataFrame(rows)


def _line(ax: Axes, runs: pd.DataFrame, x: str, y: str, colour: object, label: str, style: str = "-") -> None:
    values = runs[y].groupby(runs[x].round(8))
    mean, spread = values.mean(), values.sem().fillna(0)
    ax.errorbar(mean.index, mean, spread, color=colour, label=label, marker="o", markersize=4, linestyle=style)


def _finish(ax: Axes, title: str, words: str) -> None:
    ax.set_xscale("log")
    ax.set_title(title)
    ax.set_xlabel(words)
    if ax.get_legend_handles_labels()[0]:  # runs of another activation say nothing of ReLUs
        ax.legend(fontsize=8)
