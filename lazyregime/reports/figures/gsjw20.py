"""Figures 3, 4 and 5 of [GSJW20] from our runs: test error, fluctuations and kernel change over width and laziness."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.claims._flows import ensemble_error, outputs, variance
from lazyregime.reports.figures.axes import plain_log_axis, width_axis
from lazyregime.reports.figures.style import GREY, grid, shades

CAPTIONS = {
    "error": "Test error against width, against alpha, against laziness, and against laziness less the mean of each "
    "width (mean and standard error over initializations); grey: learning with the kernel at initialization. After "
    "figure 3 of [GSJW20].",
    "variance": "Variance of F over initializations against width, and times width against laziness; the error of the "
    "ensemble of all initializations against laziness, and, with that of one network (dashed), against width. After "
    "figure 4 of [GSJW20].",
    "kernel": "Relative change of the kernel, and the half-loss time, against laziness, for each width. After figure 5 "
    "of [GSJW20].",
}
LAZINESS = "laziness  √h α"


def error(runs: pd.DataFrame, kernel: pd.DataFrame) -> Figure | None:
    """Figure 3: four views of the test error."""
    if runs.width.nunique() < 2:
        return None
    figure, axes = grid(2, 2, 4.9, 3.6)
    a, b, c, d = axes.flat
    chosen = _present(runs, (0.01, 1.0, 10.0, 100.0, 10_000.0))
    for value, colour in zip(chosen, shades(len(chosen)), strict=True):
        _line(a, runs[np.isclose(runs.laziness, value)], "width", colour, f"√h α = {value:g}")
    if len(kernel):
        _line(a, kernel, "width", GREY, "kernel at init.", style="--")
    width_axis(a, runs.width.to_numpy())
    a.legend(ncols=2)
    centred = runs.assign(test_accuracy=runs.test_accuracy - runs.groupby("width").test_accuracy.transform("mean") + 1)
    for width, colour in _widths(runs):
        part = runs[runs.width == width]
        _line(b, part, "alpha", colour, f"h = {width}")
        _line(c, part, "laziness", colour, f"h = {width}")
        _line(d, centred[centred.width == width], "laziness", colour, f"h = {width}")
    for ax in (b, c, d):
        ax.set_xscale("log")
    _titled(a, "a  Error against width", "width h", "test error")
    _titled(b, "b  Error against α", "α", "test error")
    _titled(c, "c  Error against laziness", LAZINESS, "test error")
    _titled(d, "d  Less the mean of each width", LAZINESS, "test error - its mean over λ")
    b.legend()
    return figure


def fluctuations(runs: pd.DataFrame) -> Figure | None:
    """Figure 4: variance over initializations, and ensembles."""
    table = ensembles(runs)
    if table.empty or table.width.nunique() < 2:
        return None
    figure, axes = grid(2, 2, 4.9, 3.6)
    a, b, c, d = axes.flat
    for width, colour in _widths(table):
        part = table[table.width == width]
        b.plot(part.laziness, part.variance * width, "o-", color=colour, label=f"h = {width}", markersize=4.5)
        c.plot(part.laziness, part.ensemble, "o-", color=colour, label=f"h = {width}", markersize=4.5)
    chosen = _present(table, (0.01, 1.0, 10.0, 100.0, 10_000.0))
    for value, colour in zip(chosen, shades(len(chosen)), strict=True):
        part = table[np.isclose(table.laziness, value)]
        a.plot(part.width, part.variance, "o-", color=colour, label=f"√h α = {value:g}", markersize=4.5)
        d.plot(part.width, part.ensemble, "s-", color=colour, markersize=4.5)
        d.plot(part.width, part.single, "o--", color=colour, alpha=0.5, linewidth=1.2, markersize=4)
    ends = np.array([table.width.min(), table.width.max()], float)
    first = table[table.width == ends[0]].variance.max() * 1.3
    a.plot(ends, first * ends[0] / ends, ":", color="black", linewidth=1.2, label="slope -1")
    for ax in (a, d):
        width_axis(ax, table.width.to_numpy())
    for ax in (b, c):
        ax.set_xscale("log")
    plain_log_axis(a, np.append(table.variance, first * ends[0] / ends))
    plain_log_axis(b, (table.variance * table.width).to_numpy())
    _titled(a, "a  Variance over initializations", "width h", "Var F")
    _titled(b, "b  The same times width", LAZINESS, "h Var F")
    _titled(c, "c  Error of the ensemble", LAZINESS, "test error")
    _titled(d, "d  Ensemble (solid) and one network (dashed)", "width h", "test error")
    a.legend(fontsize=7.5)
    c.legend()
    return figure


def kernel_and_time(runs: pd.DataFrame) -> Figure | None:
    """Figure 5: kernel change and half-loss time."""
    if runs.laziness.nunique() < 3:
        return None
    figure, axes = grid(1, 2, 5.0, 4.0)
    a, b = axes.flat
    for width, colour in _widths(runs):
        part = runs[runs.width == width].groupby("laziness")
        for ax, column in ((a, "kernel_change"), (b, "half_loss_time")):
            logs = part[column].agg(lambda v: np.exp(np.log(v).mean()))
            ax.plot(logs.index, logs, "o-", color=colour, label=f"h = {width}", markersize=4.5)
    low, high = float(runs.laziness.min()), float(runs.laziness.max())
    _slope(a, (low, 1.0), 50.0, -1.3, "published: slope -1.3", ":")
    _slope(a, (100.0, high), 50.0, -1.0, "published: slope -1", "--")
    a.axhline(1, color=GREY, linewidth=0.8)
    a.plot(50, 1, "*", color="black", markersize=11, label="published: 1 at 50")
    _slope(b, (low, 1.0), 1 / 3, 1.0, "published: slope 1", ":")
    for ax in axes.flat:
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.legend()
    _titled(a, "a  Kernel change ‖Θ₁ - Θ₀‖ / ‖Θ₀‖", LAZINESS, "")
    _titled(b, "b  Half-loss time", LAZINESS, "")
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


def _present(table: pd.DataFrame, wanted: tuple[float, ...]) -> list[float]:
    return [value for value in wanted if np.isclose(table.laziness, value).any()]


def _widths(table: pd.DataFrame) -> list[tuple[int, tuple[float, ...]]]:
    widths = [int(width) for width in sorted(table.width.unique())]
    return list(zip(widths, shades(len(widths)), strict=True))


def _line(ax: Axes, runs: pd.DataFrame, x: str, colour: object, label: str, style: str = "-") -> None:
    errors = (1 - runs.test_accuracy).groupby(runs[x].round(8))
    mean, spread = errors.mean(), errors.sem().fillna(0)
    ax.plot(mean.index, mean, "o" + style, color=colour, label=label, markersize=4)
    ax.vlines(mean.index, mean - spread, mean + spread, color=colour, linewidth=1.1, alpha=0.55)


def _slope(ax: Axes, between: tuple[float, float], crossing: float, exponent: float, label: str, style: str) -> None:
    x = np.geomspace(*between, 2)
    ax.plot(x, (x / crossing) ** exponent, style, color="black", linewidth=1.2, label=label)


def _titled(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set_title(title)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
