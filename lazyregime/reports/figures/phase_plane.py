"""The plane of width and laziness of any network: verdict, test error and turn, with the boundary at 30 degrees.

The boundary is where the sine of the kernel's angle falls through 1/2; its exponent is p in alpha* ~ h^p, -1/2 where
laziness sqrt(h) alpha alone decides [GSJW20].
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false
# pyright: reportReturnType=false

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lazyregime.measure.evidence import degrees
from lazyregime.reports.claims._claim import Measurement
from lazyregime.reports.claims._flows import crossing
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.claims._seeds import PerSeed
from lazyregime.reports.figures.axes import width_axis
from lazyregime.reports.figures.phase import edges
from lazyregime.reports.figures.style import COLOURS, GREY, grid, tint

LEVEL = 0.5  # of the sine, which is 30 degrees
WORDS = {"lazy": tint(COLOURS["lazy"], 0.75), "in between": tint(GREY, 0.3), "feature learning": COLOURS["feature"]}
CAPTION = (
    "The plane of width and laziness: the verdict of most seeds, the test error and the angle by which the kernel "
    "turned (means over seeds), and the measured boundary where the kernel turned by 30 degrees, with the exponent of "
    "alpha* ~ h^p."
)


def boundaries(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each width and seed: alpha* and laziness*, NaN where the turn does not fall through the level."""
    rows: list[dict[str, float]] = []
    for (width, seed), part in runs.groupby(["width", "init_seed"]):
        mean = part.groupby("laziness")[["alpha", "kernel_angle"]].mean()
        star = crossing(mean.index, mean.kernel_angle, LEVEL)
        per_alpha = float((mean.index / mean.alpha).to_numpy().mean())
        rows.append({"width": float(width), "init_seed": seed, "alpha": star / per_alpha, "laziness": star})
    return pd.DataFrame(rows)


def exponent(found: pd.DataFrame) -> Measurement | None:
    """Of alpha* in the width, with its interval over seeds; None where no seed has a boundary at two widths."""
    return PerSeed({seed: log_slope(part.width, part.alpha) for seed, part in found.groupby("init_seed")}).measured()


def told(power: Measurement | None) -> str:
    """The exponent in words."""
    if power is None:
        return "no boundary at two widths"
    interval = f" [{power.low:.2f}, {power.high:.2f}]" if power.num_seeds > 1 else ""
    return f"α* ~ h^{power.value:.2f}{interval}"


def draw(runs: pd.DataFrame) -> Figure | None:
    """Three panels over one plane; None where it has no two widths and three scales."""
    runs = runs.assign(laziness=runs.laziness.astype(float).round(6))
    if runs.width.nunique() < 2 or runs.laziness.nunique() < 3:
        return None
    figure, axes = grid(1, 3, 4.3, 4.0)
    a, b, c = axes.flat
    number = {word: i for i, word in enumerate(WORDS)}
    words = runs.assign(word=runs.verdict.map(number)).dropna(subset="word")
    _cells(figure, a, words, "word", lambda v: v.median(), ListedColormap(list(WORDS.values())), (-0.5, 2.5), "")
    accuracy = "test_accuracy" in runs and runs.test_accuracy.notna().any()
    runs = runs.assign(error=1 - runs.test_accuracy if accuracy else runs.test_loss)
    runs = runs.assign(angle=runs.kernel_angle.map(lambda sine: degrees(float(sine))))
    _cells(figure, b, runs, "error", "mean", "viridis", None, "test error" if accuracy else "test loss")
    _cells(figure, c, runs, "angle", "mean", "RdBu_r", (0, 60), "degrees")
    found = boundaries(runs)
    power = exponent(found)
    line = np.log(found.set_index("width").laziness).groupby("width").mean().dropna()
    titles = ("a  Verdict", f"b  {'Test error' if accuracy else 'Test loss'}", "c  Kernel turned by")
    for ax, title in zip((a, b, c), titles, strict=True):
        if len(line) > 1:
            ax.plot(line.index, np.exp(line), "k-o", markersize=4.5, linewidth=1.4)
        width_axis(ax, runs.width.to_numpy())
        ax.set(yscale="log", xlabel="width h", ylabel="laziness  √h α")
        ax.set_title(title)
    handles = [Patch(color=colour, label=word) for word, colour in WORDS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, title=f"boundary at 30 degrees: {told(power)}")
    return figure


def _cells(
    figure: Figure,
    ax: Axes,
    runs: pd.DataFrame,
    value: str,
    how: Any,
    colours: str | ListedColormap,
    limits: tuple[float, float] | None,
    label: str,
) -> None:
    """One cell a width and laziness, and a scale beside it where it has a label."""
    table = runs.pivot_table(index="laziness", columns="width", values=value, aggfunc=how)
    y, x = (edges(np.asarray(values, float)) for values in (table.index, table.columns))
    low, high = limits or (None, None)
    mesh = ax.pcolormesh(x, y, table, cmap=colours, vmin=low, vmax=high, edgecolors="white", linewidth=0.6)
    if label:
        figure.colorbar(mesh, ax=ax, label=label)
