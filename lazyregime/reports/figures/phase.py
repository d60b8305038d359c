"""The plane of width and alpha: how far the kernel moved, and the boundary alpha*(h) where it moved by its own norm."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lazyregime.reports.claims._flows import crossing
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.figures.axes import width_axis
from lazyregime.reports.figures.style import grid

CAPTION = (
    "Relative change of the kernel over the plane of width and alpha, and the measured boundary where it is 1; dashed: "
    "alpha* ~ h^-1/2. Above is lazy, below is feature learning. After figure 3a of [GSJW20]."
)


def draw(runs: pd.DataFrame) -> Figure | None:
    """One point a width and alpha, the mean over initializations."""
    if runs.width.nunique() < 2 or runs.laziness.nunique() < 3:
        return None
    table = runs.assign(laziness=runs.laziness.round(6)).groupby(["width", "laziness"])
    mean = table.agg(
        change=("kernel_change", lambda v: np.exp(np.log(v).mean())), alpha=("alpha", "mean")
    ).reset_index()
    figure, axes = grid(1, 1, 5.6, 4.6)
    ax = axes[0, 0]
    cells = _cells(ax, mean)
    figure.colorbar(cells, ax=ax, label="‖Θ₁ - Θ₀‖ / ‖Θ₀‖", extend="both")
    stars = pd.Series({w: crossing(p.alpha, p.change) for w, p in mean.groupby("width")}).dropna()
    if len(stars) > 1:
        exponent = log_slope(stars.index, stars)
        ax.plot(stars.index, stars, "k-o", markersize=5, label=f"measured: α* ~ h^{exponent:.2f}")
        middle = float(np.exp((np.log(stars) + 0.5 * np.log(stars.index.to_numpy(dtype=float))).mean()))
        ax.plot(stars.index, middle * stars.index.to_numpy(dtype=float) ** -0.5, "k--", label="h^(-1/2)")
        figure.legend(loc="outside lower center", ncols=2)
    width_axis(ax, mean.width.to_numpy())
    ax.set_yscale("log")
    ax.set_xlabel("width h")
    ax.set_ylabel("α")
    ax.set_title("Lazy above, feature learning below")
    return figure


def _cells(ax: Axes, mean: pd.DataFrame) -> QuadMesh:
    """One cell a width and laziness, of which alpha = laziness / sqrt(h) makes a sheared grid; a dot where measured."""
    table = mean.pivot_table(index="laziness", columns="width", values="change")
    laziness, width = (edges(np.asarray(values, float)) for values in (table.index, table.columns))
    x, y = np.meshgrid(width, laziness)
    ax.plot(mean.width, mean.alpha, ".", color="black", markersize=2.5, alpha=0.5)
    return ax.pcolormesh(
        x, y / x**0.5, table, norm=LogNorm(1e-4, 1e4), cmap="RdBu_r", edgecolors="white", linewidth=0.6
    )


def edges(values: np.ndarray) -> np.ndarray:
    """Halfway between neighbours, in the logarithm."""
    logs = np.log(values)
    middles = (logs[1:] + logs[:-1]) / 2
    return np.exp(np.concatenate([[2 * logs[0] - middles[0]], middles, [2 * logs[-1] - middles[-1]]]))
