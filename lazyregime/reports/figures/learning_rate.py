"""The stability diagram: test loss over richness and learning rate, where training diverges, the powers [AMSP25]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lazyregime.reports.claims.learning_rate import DEPTH, rates
from lazyregime.reports.figures.style import COLOURS, GREY, grid

COLOUR, SCALE = "viridis_r", LogNorm(1e-3, 1)
CAPTION = (
    "Each square is a learning rate at a richness gamma = 1/laziness: the median test loss over seeds; crosses where "
    "most seeds diverge. Line: the largest stable rate; dots: the best one (geometric means over seeds); dashed: "
    "gamma^2 and gamma^(2/L), through the measured rates at both ends."
)


def draw(runs: pd.DataFrame) -> Figure | None:
    """A panel for each depth; None without two scales of which a rate is known."""
    found = rates(runs)
    if found.dropna(subset="stable").gamma.nunique() < 2:
        return None
    runs = runs.assign(gamma=1 / runs.laziness.astype(float), diverged=runs.diverged_at.notna())
    runs = runs.assign(eta=runs.lr * runs.gamma**2)
    layers = sorted(found.layers.unique())
    figure, axes = grid(1, len(layers), 5.2, 4.4)
    for ax, depth in zip(axes.flat, layers, strict=True):
        _cells(ax, runs[runs[DEPTH].astype(int) == depth - 1])
        _lines(ax, found[found.layers == depth], int(depth))
        ax.set(xscale="log", yscale="log", xlabel="richness  γ = 1 / laziness", ylabel="learning rate  η")
        ax.set_title(f"{int(depth)} layers")
        ax.legend(loc="upper left")
    figure.colorbar(ScalarMappable(SCALE, COLOUR), ax=list(axes.flat), label="test loss", extend="both")
    return figure


def _cells(ax: Axes, runs: pd.DataFrame) -> None:
    """Squares of the loss, and crosses where most seeds diverge."""
    mean = runs.groupby(["gamma", "eta"]).agg(diverged=("diverged", "mean"), loss=("test_loss", "median")).reset_index()
    gone, there = mean[mean.diverged > 0.5], mean[mean.diverged <= 0.5]
    ax.plot(gone.gamma, gone.eta, "x", color=GREY, markersize=3.5, alpha=0.6)
    ax.scatter(there.gamma, there.eta, c=there.loss, marker="s", s=26, cmap=COLOUR, norm=SCALE)


def _lines(ax: Axes, found: pd.DataFrame, layers: int) -> None:
    line = np.exp(np.log(found.set_index("gamma")[["stable", "best"]]).groupby("gamma").mean())
    stable, best = line.stable.dropna(), line.best.dropna()
    ax.plot(stable.index, stable, "-", color="black", label="largest stable")
    ax.plot(best.index, best, "o", color=COLOURS["feature"], markersize=4.5, label="best")
    for power, at, name in ((2.0, 0, "γ^2"), (2 / layers, -1, f"γ^(2/{layers})")):
        known = stable[stable.index <= 1] if at == 0 else stable[stable.index >= 1]
        if len(known):
            x = known.index.to_numpy(float)
            y = float(known.iloc[at]) * (x / x[at]) ** power
            ax.plot(x, y, "--", color=COLOURS["lazy" if at == 0 else "regular"], linewidth=1.4, label=name)
