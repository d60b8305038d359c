"""Figures 3, 4 and 5 of [GSJW20] from our runs: test error, fluctuations and kernel change over width and laziness."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.claims._flows import ensemble_error, outputs, variance
from lazyregime.reports.style import GREY, grid, shades, width_axis

CAPTIONS = {
    "error": "Test error against width, against alpha, and against laziness (mean and standard error over "
    "initializations); grey: learning with the kernel at initialization. After figure 3 of [GSJW20].",
    "variance": "Variance of F over initializations times width, and the error of one network and of the ensemble "
    "of all initializations (solid: the ensemble, dashed: one network). After figure 4 of [GSJW20].",
    "kernel": "Relative change of the kernel, and the half-loss time, against laziness, for each width. After figure 5 "
    "of [GSJW20].",
}
LAZINESS = "laziness  √h α"


def error(runs: pd.DataFrame, kernel: pd.DataFrame) -> Figure | None:
    """Figure 3: three views of the test error."""
    if runs.width.nunique() < 2:
        return None
    figure, axes = grid(1, 3, 4.1, 3.7)
    chosen = [v for v in (0.01, 1.0, 100.0, 10_000.0) if np.isclose(runs.laziness, v).any()]
    for value, colour in zip(chosen, shades(len(chosen)), strict=True):
        _line(axes[0, 0], runs[np.isclose(runs.laziness, value)], "width", colour, f"√h α = {value:g}")
    if len(kernel):
        _line(axes[0, 0], kernel, "width", GREY, "kernel at init.", style="--")
    width_axis(axes[0, 0], runs.width.to_numpy())
    _title(axes[0, 0], "a  Error against width", "width h")
    widths = sorted(runs.width.unique())
    for width, colour in zip(widths, shades(len(widths)), strict=True):
        part = runs[runs.width == width]
        _line(axes[0, 1], part, "alpha", colour, f"h = {width}")
        _line(axes[0, 2], part, "laziness", colour, f"h = {width}")
    for ax, title, words in ((axes[0, 1], "b  against α", "α"), (axes[0, 2], "c  against laziness", LAZINESS)):
        ax.set_xscale("log")
        _title(ax, title, words)
    axes[0, 0].set_ylabel("test error")
    return figure


def fluctuations(runs: pd.DataFrame) -> Figure | None:
    """Figure 4: variance over initializations, and ensembles."""
    table = ensembles(runs)
    if table.empty or table.width.nunique() < 2:
        return None
    figure, axes = grid(1, 3, 4.1, 3.7)
    widths = sorted(table.width.unique())
    for width, colour in zip(widths, shades(len(widths)), strict=True):
        part = table[table.width == width]
        axes[0, 0].plot(part.laziness, part.variance * width, "o-", color=colour, label=f"h = {width}")
        axes[0, 1].plot(part.laziness, part.ensemble, "o-", color=colour, label=f"h = {width}")
    chosen = [v for v in (0.1, 10.0, 10_000.0) if np.isclose(table.laziness, v).any()]
    for value, colour in zip(chosen, shades(len(chosen)), strict=True):
        part = table[np.isclose(table.laziness, value)]
        axes[0, 2].plot(part.width, part.ensemble, "s-", color=colour, label=f"√h α = {value:g}")
        axes[0, 2].plot(part.width, part.single, "o--", color=colour, alpha=0.6)
    axes[0, 0].set_xscale("log")
    axes[0, 0].set_yscale("log")
    axes[0, 1].set_xscale("log")
    width_axis(axes[0, 2], table.width.to_numpy())
    _title(axes[0, 0], "a  h Var F", LAZINESS)
    _title(axes[0, 1], "b  Error of the ensemble", LAZINESS)
    _title(axes[0, 2], "c  Error against width", "width h")
    return figure


def kernel_and_time(runs: pd.DataFrame) -> Figure | None:
    """Figure 5: kernel change and half-loss time."""
    if runs.laziness.nunique() < 3:
        return None
    figure, axes = grid(1, 2, 5.0, 4.0)
    widths = sorted(runs.width.unique())
    for width, colour in zip(widths, shades(len(widths)), strict=True):
        part = runs[runs.width == width].groupby("laziness")
        for ax, column in ((axes[0, 0], "kernel_change"), (axes[0, 1], "half_loss_time")):
            logs = part[column].agg(lambda v: np.exp(np.log(v).mean()))
            ax.plot(logs.index, logs, "o-", color=colour, label=f"h = {width}", markersize=4.5)
    low, high = float(runs.laziness.min()), float(runs.laziness.max())
    _slope(axes[0, 0], (low, 1.0), 50.0, -1.3, "slope -1.3")
    _slope(axes[0, 0], (100.0, high), 50.0, -1.0, "slope -1")
    axes[0, 0].axhline(1, color=GREY, linewidth=0.8)
    _slope(axes[0, 1], (low, 1.0), 1 / 3, 1.0, "slope 1")
    for ax in axes.flat:
        ax.set_xscale("log")
        ax.set_yscale("log")
    _title(axes[0, 0], "a  Kernel change ‖Θ₁ - Θ₀‖ / ‖Θ₀‖", LAZINESS)
    _title(axes[0, 1], "b  Half-loss time", LAZINESS)
    return figure


def ensembles(runs: pd.DataFrame) -> pd.DataFrame:
    """Variance of F, error of the ensemble and of one network by width and laziness."""
    rows = []
    for (width, laziness), part in runs.assign(laziness=runs.laziness.round(6)).groupby(["width", "laziness"]):
        if part.init_seed.nunique() > 2:
            values, labels = outputs(part.drop_duplicates("init_seed"))
            rows.append(
                {
                    "width": width,
                    "laziness": laziness,
                    "members": len(values),
                    "variance": variance(values),
                    "ensemble": ensemble_error(values, labels),
                    "single": float((np.sign(values) != labels).mean()),
                }
            )
    return pd.DataFrame(rows)


def _line(ax: Axes, runs: pd.DataFrame, x: str, colour: object, label: str, style: str = "-") -> None:
    errors = (1 - runs.test_accuracy).groupby(runs[x].round(8))
    mean, spread = errors.mean(), errors.sem().fillna(0)
    ax.errorbar(mean.index, mean, spread, color=colour, label=label, marker="o", markersize=4, linestyle=style)


def _slope(ax: Axes, between: tuple[float, float], crossing: float, exponent: float, label: str) -> None:
    x = np.geomspace(*between, 2)
    ax.plot(x, (x / crossing) ** exponent, ":", color="black", linewidth=1.2, label=label)


def _title(ax: Axes, title: str, words: str) -> None:
    ax.set_title(title)
    ax.set_xlabel(words)
    ax.legend(fontsize=7.5)
