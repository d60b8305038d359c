"""How every figure looks: colours that survive colour blindness, set for one figure at a time and for no one else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from lazyregime.reports._files import replacing

# Okabe and Ito's palette.
COLOURS = {
    "lazy": "#0072B2",
    "feature": "#D55E00",
    "regular": "#009E73",
    "scaled": "#8A5A9E",
}
GREY = "#6b7480"
MARKERS = {"lazy": "o", "feature": "s", "regular": "D", "scaled": "^"}

STYLE = {
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


def grid(rows: int, columns: int, width: float = 4.6, height: float = 3.7) -> tuple[Figure, np.ndarray]:
    """A figure of equal panels that keeps its labels apart; no display, no pyplot."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08, wspace=0.04, hspace=0.05)  # type: ignore[union-attr]
    return figure, figure.subplots(rows, columns, squeeze=False)


def save(figure: Figure, path: Path, formats: tuple[str, ...] = ("png", "pdf")) -> Path:
    """Write `path` (a PNG) and its siblings in the other formats; each is whole or absent."""
    for suffix in formats:
        metadata = {"CreationDate": None} if suffix == "pdf" else {"Software": None}
        with replacing(path.with_suffix(f".{suffix}")) as temporary:
            figure.savefig(temporary, dpi=160, metadata=metadata)
    return path.with_suffix(".png")


ACCURACY_TICKS = (0.0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999)


def accuracy_axis(axes: Axes, values: np.ndarray, which: str = "y") -> None:
    """An accuracy axis on which the error falls by equal factors, so that .60 and .99 can both be read."""
    finite = values[np.isfinite(values)]
    low, high = _padded(float(finite.min()), float(finite.max()))
    ticks = _thinned([tick for tick in ACCURACY_TICKS if low <= tick <= high])
    axis = axes.yaxis if which == "y" else axes.xaxis
    set_scale, set_limits = (axes.set_yscale, axes.set_ylim) if which == "y" else (axes.set_xscale, axes.set_xlim)
    set_scale("function", functions=(_to_scale, _from_scale))
    set_limits(low, high)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3f}".rstrip("0").removeprefix("0") or "0"))


def width_axis(axes: Axes, widths: np.ndarray) -> None:
    """A logarithmic axis labelled with the widths that were run."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(widths.min() / 1.35, widths.max() * 1.35)
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(widths))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _to_scale(accuracy: np.ndarray) -> np.ndarray:
    return -np.log10(np.clip(1 - np.asarray(accuracy, dtype=float), 1e-5, None))


def _from_scale(value: np.ndarray) -> np.ndarray:
    return 1 - 10.0 ** (-np.asarray(value, dtype=float))


def _padded(low: float, high: float) -> tuple[float, float]:
    low, high = _to_scale(np.array([low, min(high, 0.9995)]))
    pad = max(0.08 * (high - low), 0.04)
    return tuple(_from_scale(np.array([low - pad, high + pad])))


def _thinned(ticks: list[float], most: int = 9) -> list[float]:
    """Ticks that do not crowd: at least a twentieth of the axis apart."""
    if len(ticks) < 2:
        return ticks
    places = _to_scale(np.array(ticks))
    least = (places[-1] - places[0]) / most
    kept = [0]
    for i in range(1, len(ticks)):
        if places[i] - places[kept[-1]] >= least:
            kept.append(i)
    return [ticks[i] for i in kept]
