"""The plane of width and alpha: how far the kernel moved, and the boundary alpha*(h) where it moved by its own norm."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lazyregime.reports.claims._flows import crossing
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.style import grid, width_axis

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
    points = ax.scatter(
        mean.width, mean.alpha, c=mean.change, norm=LogNorm(1e-3, 1e3), cmap="RdBu_r", s=170, marker="s",
        edgecolors="none",
    )  # fmt: skip
    figure.colorbar(points, ax=ax, label="‖Θ₁ - Θ₀‖ / ‖Θ₀‖")
    stars = pd.Series({w: crossing(p.alpha, p.change) for w, p in mean.groupby("width")}).dropna()
    if len(stars) > 1:
        exponent = log_slope(stars.index, stars)
        ax.plot(stars.index, stars, "k-o", markersize=5, label=f"measured α*(h) ~ h^{exponent:.2f}")
        middle = float(np.exp((np.log(stars) + 0.5 * np.log(stars.index.to_numpy(dtype=float))).mean()))
        ax.plot(stars.index, middle * stars.index.to_numpy(dtype=float) ** -0.5, "k--", label="h^-1/2")
        figure.legend(loc="outside lower center", ncols=2)
    width_axis(ax, mean.width.to_numpy())
    ax.set_yscale("log")
    ax.set_xlabel("width h")
    ax.set_ylabel("α")
    ax.set_title("Lazy above, feature learning below")
    return figure
