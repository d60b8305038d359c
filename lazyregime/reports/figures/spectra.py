"""Eigenvalues of the kernel on the anchors before and after training, each spectrum divided by its trace."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportIndexIssue=false

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lazyregime.reports.figures.style import GREY, columns_for, grid, labelled, shades
from lazyregime.reports.reading.folder import read_kernels
from lazyregime.reports.tables.averages import with_keys
from lazyregime.reports.tables.regimes import REGIMES
from lazyregime.reports.tables.settings import ALWAYS_TOLD, data_name, network_order
from lazyregime.reports.tables.usual import Usual, remark

CAPTION = (
    "Spectrum of the kernel's Gram matrix on the anchors at initialization (dashed) and after training (solid), "
    "eigenvalues divided by their sum, mean over seeds."
)
MOST_LINES = 5

Line = tuple[str, tuple[np.ndarray, np.ndarray]]


def draw(runs: pd.DataFrame) -> Figure | None:
    """From the runs' kernels.safetensors; a panel an architecture and regime, a colour a width or alpha."""
    complete = with_keys(runs[(runs.status == "complete") & runs[["arch", "regime"]].notna().all(axis=1)])
    usual = Usual.of(complete.key)
    families = complete.groupby(["network", "data", "regime"], sort=False)
    panels = []
    for network, data, regime in sorted(
        families.groups, key=lambda name: (network_order(name[0]), name[1], _rank(name[2]))
    ):
        family = complete.loc[families.groups[network, data, regime]]
        title = f"{network}, {data_name(data)}: {regime}"
        if regime == "scaled" and family.alpha.nunique() > 1:
            width, family = max(family.groupby("width", dropna=False), key=lambda each: each[1].alpha.nunique())
            title = f"{title}, width {width:g}" if width == width else title
        lines = _lines(family, usual, network, by_alpha=regime == "scaled")
        if lines:
            panels.append((title, lines))
    if not panels:
        return None
    columns = columns_for(len(panels))
    figure, axes = grid(-(-len(panels) // columns), columns, width=4.6, heights=3.9)
    for ax, (title, lines) in zip(axes.flat, panels, strict=False):
        _panel(ax, title, lines)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    ends = [Line2D([], [], color=GREY, linestyle=style, label=label)
            for style, label in (("--", "at initialization"), ("-", "after training"))]  # fmt: skip
    figure.legend(handles=ends, loc="outside lower center", ncols=2)
    return figure


def _lines(family: pd.DataFrame, usual: Usual, network: str, by_alpha: bool) -> list[Line]:
    """A label with its mean spectra for each width (or alpha) and settings, evenly chosen if there are too many."""
    lines = []
    for (width, alpha, key), part in family.groupby(["width", "alpha", "key"], dropna=False):
        spectra, settings = _mean_spectra(part.path), remark(usual.unlike(key, ALWAYS_TOLD))
        if spectra is not None:
            name = f"α = {alpha:.3g}" if by_alpha else f"width {width:g}" if width == width else network
            lines.append((labelled(name, settings), spectra))
    if len(lines) > MOST_LINES:
        lines = [lines[i] for i in np.linspace(0, len(lines) - 1, MOST_LINES).round().astype(int)]
    return lines


def _mean_spectra(paths: pd.Series) -> tuple[np.ndarray, np.ndarray] | None:
    """The mean over runs of each normalized spectrum, before and after."""
    pairs = []
    for path in paths:
        kernels = read_kernels(Path(path) / "kernels.safetensors", ("spectrum_init", "spectrum_final"))
        pair = [_normalized(kernels.get(f"spectrum_{when}")) for when in ("init", "final")]
        pairs += [pair] if all(len(spectrum) for spectrum in pair) else []
    if not pairs:
        return None
    shortest = min(len(spectrum) for pair in pairs for spectrum in pair)
    before, after = np.mean([[spectrum[:shortest] for spectrum in pair] for pair in pairs], axis=0)
    return before, after


def _normalized(spectrum: np.ndarray | None) -> np.ndarray:
    """Eigenvalues over their sum, falling; empty for what is no spectrum."""
    if spectrum is None or spectrum.ndim != 1 or not np.isfinite(spectrum).all() or not spectrum.sum() > 0:
        return np.empty(0)
    values = np.sort(spectrum.astype(np.float64))[::-1]
    return values / values.sum()


def _rank(regime: str) -> int:
    return REGIMES.index(regime) if regime in REGIMES else len(REGIMES)


def _panel(ax: Axes, title: str, lines: list[Line]) -> None:
    for (label, (before, after)), colour in zip(lines, shades(len(lines)), strict=True):
        rank = np.arange(1, len(before) + 1)
        ax.loglog(rank, np.where(before > 0, before, np.nan), color=colour, linestyle="--", linewidth=1.3)
        ax.loglog(rank, np.where(after > 0, after, np.nan), color=colour, label=label)
    ax.set_title(title)
    ax.set_xlabel("rank of the eigenvalue")
    ax.set_ylabel("eigenvalue / trace")
    ax.minorticks_off()
    ax.legend(loc="lower left")
