"""Eigenvalues of the kernel on the anchors before and after training, each spectrum divided by its trace."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lazyregime.reports._folder import read_kernels
from lazyregime.reports.poster_table import with_keys
from lazyregime.reports.style import GREY, grid

CAPTION = (
    "Spectrum of the kernel's Gram matrix on the anchors at initialization (dashed) and after training (solid), "
    "eigenvalues divided by their sum, mean over seeds."
)
MOST_LINES = 5
# Light to dark with width or alpha.
SHADES = ("#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#5b2a6e")


def draw(runs: pd.DataFrame) -> Figure | None:
    """From the runs' kernels.safetensors; a panel for each architecture and regime, a colour for each width (and alpha)."""
    complete = with_keys(runs[(runs.status == "complete") & runs[["arch", "width", "regime"]].notna().all(axis=1)])
    panels = []
    for (network, data, regime), family in complete.groupby(["network", "data", "regime"], sort=False):
        lines = [
            (width, alpha, spectra)
            for (width, alpha, _), part in family.groupby(["width", "alpha", "key"], dropna=False)
            if (spectra := _mean_spectra(part.path)) is not None
        ]
        if lines:
            panels.append((f"{network}, {str(data).replace('_', '-')}: {regime}", regime == "scaled", _spread(lines)))
    if not panels:
        return None
    columns = min(len(panels), 3)
    figure, axes = grid(-(-len(panels) // columns), columns, width=4.6, height=3.9)
    for ax, (title, with_alpha, lines) in zip(axes.flat, panels, strict=False):
        _panel(ax, title, with_alpha, lines)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    ends = [Line2D([], [], color=GREY, linestyle=style, label=label)
            for style, label in (("--", "at initialization"), ("-", "after training"))]  # fmt: skip
    figure.legend(handles=ends, loc="outside lower center", ncols=2)
    return figure


def _mean_spectra(paths: "pd.Series[str]") -> tuple[np.ndarray, np.ndarray] | None:
    """The mean over runs of each normalized spectrum, before and after."""
    pairs = []
    for path in paths:
        kernels = read_kernels(Path(path) / "kernels.safetensors")
        if {"spectrum_init", "spectrum_final"} <= set(kernels):
            pairs.append([_normalized(kernels["spectrum_init"]), _normalized(kernels["spectrum_final"])])
    if not pairs:
        return None
    shortest = min(len(spectrum) for pair in pairs for spectrum in pair)
    before, after = np.mean([[spectrum[:shortest] for spectrum in pair] for pair in pairs], axis=0)
    return before, after


def _normalized(spectrum: np.ndarray) -> np.ndarray:
    values = np.sort(np.asarray(spectrum, dtype=np.float64))[::-1]
    return values / values.sum()


def _spread(lines: list) -> list:
    """At most `MOST_LINES` of them, evenly chosen."""
    if len(lines) <= MOST_LINES:
        return lines
    return [lines[i] for i in np.linspace(0, len(lines) - 1, MOST_LINES).round().astype(int)]


def _panel(ax: Axes, title: str, with_alpha: bool, lines: list) -> None:
    for (width, alpha, (before, after)), colour in zip(lines, SHADES, strict=False):
        rank = np.arange(1, len(before) + 1)
        label = f"width {width:g}" + (f", α = {alpha:g}" if with_alpha else "")
        ax.loglog(rank, np.where(before > 0, before, np.nan), color=colour, linestyle="--", linewidth=1.3)
        ax.loglog(rank, np.where(after > 0, after, np.nan), color=colour, label=label)
    ax.set_title(title)
    ax.set_xlabel("rank of the eigenvalue")
    ax.set_ylabel("eigenvalue / trace")
    ax.legend(loc="lower left")
