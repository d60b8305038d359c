"""How far the kernel moves, against width: ||Theta_1 - Theta_0|| / ||Theta_0|| and 1 - cos, on logarithmic axes."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.style import COLOURS, GREY, MARKERS, grid, width_axis

CAPTION = (
    "Relative change of the kernel and kernel distance between initialization and the end of training, mean and "
    "standard error over seeds. At fixed alpha in the NTK parameterization the change falls like width to the -1/2 "
    "once the network is lazy (grey guide)."
)
MEASURES = (("kernel_change", "relative change of the kernel, ‖Θ₁ - Θ₀‖ / ‖Θ₀‖"), ("kernel_distance", "kernel distance, 1 - cos"))
FROZEN = 1e-6  # below this the kernel has not moved: rounding, and off the axis
MOST_SERIES = 9


def draw(table: pd.DataFrame) -> Figure | None:
    """From the regimes table; a row of panels for each architecture and data set."""
    moved = table[(table.kernel_change > 0) | (table.kernel_distance > 0) | (table.kernel_change == 0)]
    families = [part for _, part in moved.groupby(["network", "data"], sort=False) if (part.kernel_change > FROZEN).any()]
    if not families:
        return None
    figure, axes = grid(len(families), 2, width=4.9, height=4.0)
    for row, part in zip(axes, families, strict=True):
        for ax, (measure, label) in zip(row, MEASURES, strict=True):
            _panel(ax, part, measure)
            ax.set_ylabel(label)
            ax.set_title(f"{part.network.iloc[0]}, {str(part.data.iloc[0]).replace('_', '-')}")
        handles, labels = row[0].get_legend_handles_labels()
        row[1].legend(handles, labels, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def _panel(ax: Axes, part: pd.DataFrame, measure: str) -> None:
    series = list(part.groupby(["regime", "alpha", "key"], sort=False))
    alphas = sorted({alpha for (regime, alpha, _), _ in series if regime == "scaled"})
    for (regime, alpha, _), line in series[:MOST_SERIES]:
        shown = line[line[measure] > (FROZEN if measure == "kernel_change" else FROZEN**2)]
        label = _label(str(regime), float(alpha), line, shown.empty)
        colour, strength = COLOURS.get(str(regime), GREY), 1.0
        if regime == "scaled" and len(alphas) > 1:
            strength = 0.35 + 0.65 * alphas.index(alpha) / (len(alphas) - 1)
        ax.errorbar(shown.width, shown[measure], yerr=_downward_safe(shown, measure), color=colour, alpha=strength,
                    marker=MARKERS.get(str(regime), "o"), label=label, linestyle="-" if len(shown) > 1 else "none")  # fmt: skip
        if regime == "scaled" and len(shown) > 1 and measure == "kernel_change":
            _guide(ax, shown)
    width_axis(ax, part.width.to_numpy(dtype=float))
    ax.set_yscale("log")
    ax.set_xlabel("width")


def _guide(ax: Axes, shown: pd.DataFrame) -> None:
    """width^(-1/2) through a point a little above the first of the line."""
    x = shown.width.to_numpy(dtype=float)
    y = 1.25 * shown.kernel_change.iloc[0] * np.sqrt(x[0] / x)
    ax.plot(x, y, color=GREY, linestyle=":", linewidth=1.2)
    ax.annotate("slope -1/2", (x[-1], y[-1]), xytext=(0, 4), textcoords="offset points", color=GREY, ha="right", fontsize=8)


def _downward_safe(shown: pd.DataFrame, measure: str) -> np.ndarray:
    """Error bars that do not reach zero on a logarithmic axis."""
    error = shown[f"{measure}_error"].fillna(0.0).to_numpy(dtype=float)
    return np.stack([np.minimum(error, 0.95 * shown[measure].to_numpy(dtype=float)), error])


def _label(regime: str, alpha: float, line: pd.DataFrame, frozen: bool) -> str:
    name = f"{regime} α = {alpha:g}" if regime == "scaled" else regime
    settings = next((text for text in line.settings if text), "")
    remark = f": frozen\n(at most {line.kernel_change.max():.0e})" if frozen else ""
    return f"{name}{remark}" + (f"\n({settings})" if settings else "")
