"""Axes: accuracies on which the error falls by equal factors, widths that were run, decades in plain text."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogFormatter,
    LogFormatterSciNotation,
    LogLocator,
    MaxNLocator,
    NullLocator,
)

Numbers = float | list[float] | np.ndarray
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

# The most wanted first: the others are drawn where there is room.
ACCURACY_TICKS = (
    0.9,
    0.99,
    0.5,
    0.98,
    0.8,
    0.95,
    0.999,
    0.0,
    0.97,
    0.6,
    0.995,
    0.7,
    0.96,
    0.85,
    0.985,
    0.975,
    0.998,
    0.3,
    0.1,
)


def accuracy_axis(axes: Axes, values: np.ndarray, which: str = "y") -> None:
    """An accuracy axis on which the error falls by equal factors, so that .60 and .99 can both be read."""
    finite = values[np.isfinite(values)]
    if not finite.size:  # runs on real targets have none
        return
    low, high = _padded(float(finite.min()), float(finite.max()))
    ticks = _with_room([tick for tick in ACCURACY_TICKS if low <= tick <= high], low, high)
    if len(ticks) < 2:  # the values lie close together
        ticks = [float(tick) for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]
    axis = axes.yaxis if which == "y" else axes.xaxis
    set_scale, set_limits = (axes.set_yscale, axes.set_ylim) if which == "y" else (axes.set_xscale, axes.set_xlim)
    set_scale("function", functions=(_to_scale, _from_scale))
    set_limits(low, high)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(_accuracy_text))


def width_axis(axes: Axes, widths: np.ndarray) -> None:
    """A logarithmic axis labelled with the widths that were run."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(widths.min() / 1.35, widths.max() * 1.35)
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(widths))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def sizes_axis(axes: Axes, sizes: np.ndarray) -> None:
    """A logarithmic axis labelled with the sizes that were run, as many as there is room for."""
    each = np.unique(sizes[sizes > 0])
    axes.set_xscale("log")
    if not each.size:
        return
    kept = [each[0]]
    for size in each[1:]:
        if size / kept[-1] > (each[-1] / each[0]) ** 0.09:
            kept.append(size)
    axes.set_xlim(each[0] / 1.25, each[-1] * 1.25)
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _accuracy_text(value: float, _: object = None) -> str:
    """.95, 0 and 1."""
    return f"{value:g}" if value in (0, 1) else f"{value:.6f}".strip("0")


def _to_scale(accuracy: Numbers) -> np.ndarray:
    """-log10 of the error."""
    return np.asarray(-np.log10(np.clip(1 - np.asarray(accuracy, dtype=float), 1e-5, None)))


def _from_scale(value: Numbers) -> np.ndarray:
    return np.asarray(1 - 10.0 ** (-np.asarray(value, dtype=float)))


def _padded(low: float, high: float) -> tuple[float, float]:
    low, high = _to_scale([low, min(high, 0.9995)])
    pad = max(0.08 * (high - low), 0.04)
    return float(_from_scale(low - pad)), float(_from_scale(high + pad))


def _with_room(ticks: list[float], low: float, high: float, most: int = 10) -> list[float]:
    """The ticks that keep a distance from those already chosen."""
    bottom, top = _to_scale([low, high])
    kept: list[float] = []
    for tick in ticks:
        gaps = np.abs(_to_scale(kept) - _to_scale(tick))
        if not kept or gaps.min() > (top - bottom) / most:
            kept.append(tick)
    return sorted(kept)


def plain_log_axis(axes: Axes, values: np.ndarray) -> None:
    """A logarithmic y axis with plain numbers where it spans little, and never less than a factor of three."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    stretch = max((high / low) ** 0.08, np.sqrt(3 * low / high), 1.1)
    axes.set_yscale("log")
    axes.set_ylim(low / stretch, high * stretch)
    if high / low < 300 and low > 1e-3:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


class Decades(LogFormatter):
    """10⁻³ and 2·10⁻³ without mathematical typesetting, which would also read the names of runs."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of one tick, empty where matplotlib shows none."""
        if x <= 0 or not super().__call__(x, pos):
            return ""
        exponent = int(np.floor(np.log10(x) + 1e-9))
        factor = x / 10.0**exponent
        power = f"10{str(exponent).translate(RAISED)}"
        return power if abs(factor - 1) < 1e-6 else f"{factor:.3g}·{power}"


def decades(figure: Figure) -> None:
    """Label every logarithmic axis of the figure that way."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _relabel(axis)


def _relabel(axis: Axis) -> None:
    major, minor = axis.get_major_formatter(), axis.get_minor_formatter()
    if isinstance(major, LogFormatterSciNotation):
        axis.set_major_formatter(Decades(labelOnlyBase=False, minor_thresholds=(2, 0.4)))
    if isinstance(minor, LogFormatterSciNotation):
        axis.set_minor_formatter(Decades(labelOnlyBase=True, minor_thresholds=(2, 0.4)))
