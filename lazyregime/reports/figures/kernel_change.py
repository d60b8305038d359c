"""How far the kernel moves, against width: ||Theta_1 - Theta_0|| / ||Theta_0|| and 1 - cos, on logarithmic axes."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.figures.axes import plain_log_axis, width_axis
from lazyregime.reports.figures.style import COLOURS, GREY, MARKERS, grid, labelled, tint
from lazyregime.reports.tables.settings import data_name

CAPTION = (
    "Relative change of the kernel and kernel distance between initialization and the end of training, mean and "
    "standard error over seeds. At fixed alpha in the NTK parameterization the change falls like width to the -1/2 "
    "once the network is lazy (grey guide)."
)
MEASURES = (
    ("kernel_change", "relative change of the kernel, ‖Θ₁ - Θ₀‖ / ‖Θ₀‖"),
    ("kernel_distance", "kernel distance, 1 - cos"),
)
FROZEN = 1e-6  # below this the kernel has not moved: rounding, and off the axis
MOST_SERIES = 9


def draw(table: pd.DataFrame) -> Figure | None:
    """From the regimes table; a row of panels for each architecture and data set that has something to compare."""
    families = [
        part
        for _, part in table.dropna(subset="width").groupby(["network", "data"], sort=False)
        if len(part) > 1 and (part.kernel_change > FROZEN).any() and (part.kernel_distance > FROZEN**2).any()
    ]
    if not families:
        return None
    figure, axes = grid(len(families), 2, width=4.9, heights=4.0)
    for row, part in zip(axes, families, strict=True):
        for ax, (measure, label) in zip(row, MEASURES, strict=True):
            _panel(ax, part, measure)
            ax.set_ylabel(label)
            ax.set_title(f"{part.network.iloc[0]}, {data_name(part.data.iloc[0])}")
        handles, labels = row[0].get_legend_handles_labels()
        row[1].legend(handles, labels, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def _panel(ax: Axes, part: pd.DataFrame, measure: str) -> None:
    """A line a regime; for scaled, a line an alpha, or a laziness if that is what was swept over the widths."""
    swept = _swept(part[part.regime == "scaled"])
    lines = part.assign(line=part[swept].map(lambda value: float(f"{value:.3g}")).where(part.regime == "scaled", 0.0))
    values = sorted(set(lines.line) - {0.0})
    smallest, guided = FROZEN if measure == "kernel_change" else FROZEN**2, False
    for (regime, value, _), line in _evenly(list(lines.groupby(["regime", "line", "key"], sort=False))):
        shown = line[line[measure] > smallest]
        strength = 0.4 + 0.6 * (values.index(value) + 1) / len(values) if regime == "scaled" else 1.0
        colour, marker = tint(COLOURS.get(str(regime), GREY), strength), MARKERS.get(str(regime), "o")
        ax.plot(
            shown.width,
            shown[measure],
            color=colour,
            marker=marker,
            label=_label(str(regime), f"{'α' if swept == 'alpha' else swept} = {value:.3g}", line, shown.empty),
        )
        ax.errorbar(shown.width, shown[measure], yerr=_downward_safe(shown, measure), color=colour, linestyle="none")
        if (regime, swept, measure) == ("scaled", "alpha", "kernel_change") and len(shown) > 1 and not guided:
            _guide(ax, shown)
            guided = True
    width_axis(ax, part.width.to_numpy(dtype=float))
    plain_log_axis(ax, part[measure][part[measure] > smallest].to_numpy(dtype=float))
    ax.set_xlabel("width")


def _swept(scaled: pd.DataFrame) -> str:
    """`alpha` or `laziness`: the one of which more values were run at several widths."""
    rounded = {name: scaled[name].map(lambda value: f"{value:.3g}") for name in ("alpha", "laziness")}
    widths = {name: scaled.width.groupby(values).nunique() for name, values in rounded.items()}
    shared = {name: int((counts > 1).sum()) for name, counts in widths.items()}
    return "laziness" if scaled.laziness.notna().all() and shared["laziness"] > shared["alpha"] else "alpha"


def _evenly(lines: list[tuple[tuple[object, ...], pd.DataFrame]]) -> list[tuple[tuple[object, ...], pd.DataFrame]]:
    """All of them, or as many as a legend has room for, from the first to the last."""
    chosen = np.linspace(0, len(lines) - 1, min(len(lines), MOST_SERIES)).round().astype(int)
    return [lines[index] for index in chosen]


def _guide(ax: Axes, shown: pd.DataFrame) -> None:
    """width^(-1/2) through a point a little above the first of the line."""
    x = shown.width.to_numpy(dtype=float)
    y = 1.25 * shown.kernel_change.iloc[0] * np.sqrt(x[0] / x)
    ax.plot(x, y, color=GREY, linestyle=":", linewidth=1.2)
    style = {"textcoords": "offset points", "color": GREY, "va": "center", "fontsize": 8}
    ax.annotate("slope -1/2", (x[-1], y[-1]), xytext=(9, 0), **style)


def _downward_safe(shown: pd.DataFrame, measure: str) -> np.ndarray:
    """Standard errors that do not reach zero on a logarithmic axis."""
    error = shown[f"{measure}_error"].to_numpy(dtype=float)
    return np.stack([np.minimum(error, 0.95 * shown[measure].to_numpy(dtype=float)), error])


def _label(regime: str, told: str, line: pd.DataFrame, frozen: bool) -> str:
    name = f"{regime} {told}" if regime == "scaled" else regime
    settings = next((text for text in line.settings if text), "")
    most = line.kernel_change.max()
    remark = (f": frozen\n(at most {most:.0e})" if most > 0 else ": frozen") if frozen else ""
    return labelled(name, settings) + remark
