"""How every figure looks: colours that survive colour blindness, set for one figure at a time and for no one else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from lazyregime.atomic import replacing

# Okabe and Ito's palette.
COLOURS = {
    "lazy": "#0072B2",
    "feature": "#D55E00",
    "regular": "#009E73",
    "scaled": "#8A5A9E",
}
Numbers = float | list[float] | np.ndarray
GREY = "#6b7480"
MARKERS = {"lazy": "o", "feature": "s", "regular": "D", "scaled": "^"}

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": "#1d2329",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e8ea",
    "grid.linewidth": 0.7,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "#3a424b",
    "ytick.labelcolor": "#3a424b",
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
    "errorbar.capsize": 2.5,
    "legend.frameon": False,
    "legend.fontsize": 8.8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "pdf.fonttype": 42,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Our settings inside the block, and the reader's own again after it."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def grid(rows: int, columns: int, width: float, heights: float | list[float]) -> tuple[Figure, np.ndarray]:
    """A figure of panels, all of one height or each row of its own (inches); no display, no pyplot."""
    each = heights if isinstance(heights, list) else [heights] * rows
    engine = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08, wspace=0.04, hspace=0.05)
    figure = Figure(figsize=(width * columns, sum(each)), layout=engine)
    return figure, figure.subplots(rows, columns, squeeze=False, height_ratios=each)


def columns_for(count: int) -> int:
    """Panels beside each other: three, or two where three would leave a hole."""
    return 2 if count == 4 else min(count, 3)


def save(figure: Figure, path: Path, formats: tuple[str, ...] = ("png", "pdf")) -> Path:
    """Write `path` (a PNG) and its siblings in the other formats; each is whole or absent."""
    for suffix in formats:
        metadata = {"CreationDate": None} if suffix == "pdf" else {"Software": None}
        with replacing(path.with_suffix(f".{suffix}")) as temporary:
            figure.savefig(temporary, dpi=160, metadata=metadata)
        figure.set_layout_engine("none")  # the panels are placed; the next format need not place them again
    return path.with_suffix(".png")


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


def _accuracy_text(value: float, _: object = None) -> str:
    """.95, 0 and 1."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if value in (0, 1) else f"{value:.3f}".strip("0")


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


def shades(count: int) -> list[tuple[float, ...]]:
    """`count` colours from light to dark that stay in order for every reader."""
    return [tuple(colour) for colour in mpl.colormaps["viridis_r"](np.linspace(0.18, 0.95, max(count, 2)))][-count:]


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """The colour mixed with white; 1 leaves it as it is."""
    red, green, blue = to_rgb(colour)
    return (1 - strength * (1 - red), 1 - strength * (1 - green), 1 - strength * (1 - blue))
