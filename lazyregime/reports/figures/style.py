"""How every figure looks: colours that survive colour blindness, set for one figure at a time and for no one else."""

import io
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from lazyregime.atomic import atomic_write
from lazyregime.reports.figures.axes import decades
from lazyregime.reports.reading.cleaning import brief

# Okabe and Ito's palette.
COLOURS = {
    "lazy": "#0072B2",
    "feature": "#D55E00",
    "regular": "#009E73",
    "scaled": "#8A5A9E",
}
GREY = "#6b7480"
DPI = 160
MOST_LINES_OF_A_LABEL = 4
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
    "text.parse_math": False,  # a name is shown as it is, whatever dollar signs are in it
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
    decades(figure)
    for suffix in formats:
        metadata = {"CreationDate": None} if suffix == "pdf" else {"Software": None}
        drawn = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from")  # a name in a script that the font lacks
            figure.savefig(drawn, format=suffix, dpi=DPI, metadata=metadata)
        atomic_write(path.with_suffix(f".{suffix}"), drawn.getvalue())
        figure.set_layout_engine("none")  # the panels are placed; the next format need not place them again
    return path.with_suffix(".png")


def shades(count: int) -> list[tuple[float, ...]]:
    """`count` colours from light to dark that stay in order for every reader."""
    colours = [tuple(colour) for colour in mpl.colormaps["viridis_r"](np.linspace(0.18, 0.95, max(count, 2)))]
    return colours[-count:] if count else []


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """The colour mixed with white; 1 leaves it as it is."""
    red, green, blue = to_rgb(colour)
    return (1 - strength * (1 - red), 1 - strength * (1 - green), 1 - strength * (1 - blue))


def labelled(name: str, settings: str, width: int = 34) -> str:
    """A name with its settings in brackets below it, wrapped, so that a legend stays whole."""
    told = textwrap.wrap(f"({settings})", width, max_lines=MOST_LINES_OF_A_LABEL, placeholder=" …)") if settings else []
    return "\n".join([brief(name), *told])
