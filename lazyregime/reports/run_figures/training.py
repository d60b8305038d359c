"""One run on one page: the kernel before and after training, its spectrum, and the accuracy or loss on the way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import MaxNLocator, NullFormatter

from lazyregime.errors import LazyRegimeError
from lazyregime.reports.figures.axes import accuracy_axis
from lazyregime.reports.figures.style import COLOURS, GREY, house_style, save
from lazyregime.reports.pages.table import fraction, short
from lazyregime.reports.reading.folder import read_kernels, read_metrics, read_run
from lazyregime.reports.run_figures.kernels import ordered_grams
from lazyregime.reports.run_figures.measures import draw_measures, measures_of, with_room
from lazyregime.reports.tables.settings import network_of

Kernels = Mapping[str, np.ndarray]


def draw_run(folder: str | Path, result: Mapping[str, Any] | None = None) -> Path:
    """Draw `figures/summary.png` of a run folder and return its path.

    Args:
        folder: The run folder; metrics.csv or kernels.safetensors must be there.
        result: The scalars of result.json, where the file is not written yet.

    Raises:
        LazyRegimeError: If the folder holds neither metrics nor kernels.
    """
    folder = Path(folder)
    run = read_run(folder) | dict(result or {})
    kernels, metrics = read_kernels(folder / "kernels.safetensors"), read_metrics(folder / "metrics.csv")
    with_kernels = {"gram_init", "gram_final"} <= set(kernels)
    with_accuracy, with_loss = (_has(metrics, key) for key in ("test_accuracy", "test_loss"))
    if not with_kernels and not with_accuracy and not with_loss:
        raise LazyRegimeError(f"{folder} has no kernels and no test results to draw: train it to the end of an epoch.")
    with house_style():
        measures, colour = measures_of(run, metrics), COLOURS.get(str(run.get("regime")), GREY)
        width, height = (10.4, 8.9) if with_kernels else (6.4, 4.6)
        figure, above, below = with_room(width, height, measures)
        if with_kernels:
            panels = above.subplot_mosaic([["before", "after"], ["spectrum", "accuracy"]], height_ratios=[1.12, 1])
            _grams(above, panels["before"], panels["after"], kernels)
            _spectra(panels["spectrum"], kernels, colour)
            accuracy = panels["accuracy"]
        else:
            accuracy = above.subplots()
        if with_loss and not with_accuracy:  # targets are no classes
            _losses(accuracy, metrics, run, "d  " if with_kernels else "")
        else:
            _accuracy(accuracy, metrics if with_accuracy else pd.DataFrame(), run)
        if below is not None:
            draw_measures(below, measures, at="epoch", colour=colour)
        figure.suptitle(_title(run), x=0.015, ha="left")
        return save(figure, folder / "figures" / "summary.png", formats=("png",))


def _has(metrics: pd.DataFrame, key: str) -> bool:
    return {"epoch", key} <= set(metrics) and bool(metrics[key].notna().any())


def _title(run: Mapping[str, Any]) -> str:
    alpha = run.get("alpha")
    first = [f"{run.get('regime', 'run')}: {network_of(run)}"]
    first += [f"width {run['width']}"] if run.get("width") is not None else []
    first += [f"α = {alpha:.3g}"] if isinstance(alpha, int | float) else []
    first += [f"seed {run['seed']}"] if run.get("seed") is not None else []
    change, distance = run.get("kernel_change"), run.get("kernel_distance")
    if not isinstance(change, int | float) or not isinstance(distance, int | float):
        return ", ".join(first)
    return ", ".join(first) + (
        f"\n{run.get('verdict', '')}: kernel change ‖Θ₁ - Θ₀‖ / ‖Θ₀‖ = {short(change)}, "
        f"kernel distance 1 - cos = {short(distance)}"
    )


def _grams(figure: FigureBase, before: Axes, after: Axes, kernels: Kernels) -> None:
    """Both Gram matrices on one colour scale."""
    grams = ordered_grams(kernels)
    titles = ("a  Kernel at initialization", "b  Kernel after training")
    for ax, gram, title in zip((before, after), (grams.before, grams.after), titles, strict=True):
        ax.imshow(gram, vmin=grams.low, vmax=grams.high, cmap="magma", interpolation="nearest")
        ax.set_title(title)
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
        _class_ticks(ax, grams.labels)
    before.set_ylabel("class of the anchor")
    bar = figure.colorbar(before.images[0], ax=[before, after], shrink=0.85, aspect=28, pad=0.015, extend="both")
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.set_label("kernel / mean diagonal")


def _class_ticks(ax: Axes, labels: np.ndarray) -> None:
    """The class at the middle of its block, and a thin line where the next begins."""
    classes, starts = np.unique(labels, return_index=True)
    ends = np.append(starts[1:], len(labels))
    middles = (starts + ends - 1) / 2
    for set_ticks in (ax.set_xticks, ax.set_yticks):
        set_ticks(middles, [f"{c:g}" for c in classes])
    ax.tick_params(length=0)
    for start in starts[1:]:
        ax.axhline(start - 0.5, color="white", linewidth=0.35, alpha=0.6)
        ax.axvline(start - 0.5, color="white", linewidth=0.35, alpha=0.6)
    ax.set_xlabel("class of the anchor")


def _spectra(ax: Axes, kernels: Kernels, colour: str) -> None:
    for name, style, word in (("init", "--", "at initialization"), ("final", "-", "after training")):
        spectrum = kernels.get(f"spectrum_{name}")
        values = np.linalg.eigvalsh(kernels[f"gram_{name}"])[::-1] if spectrum is None else spectrum
        values = np.asarray(values, dtype=np.float64) / np.sum(values)
        rank = np.arange(1, len(values) + 1)
        ax.loglog(
            rank, np.where(values > 0, values, np.nan), style, color=GREY if name == "init" else colour, label=word
        )
    ax.set_title("c  Spectrum")
    ax.set_xlabel("rank of the eigenvalue")
    ax.set_ylabel("eigenvalue / trace")
    ax.minorticks_off()
    ax.legend(loc="lower left")


def _accuracy(ax: Axes, metrics: pd.DataFrame, run: Mapping[str, Any]) -> None:
    """The network by epoch, and the kernel regressions as levels named at the right end of their lines."""
    protocol, seen = str(run.get("protocol", "adh")), []
    end = 1.0
    if not metrics.empty:
        line = metrics.dropna(subset="test_accuracy")
        end = max(float(line.epoch.max()), 1.0)
        ax.plot(
            line.epoch, line.test_accuracy, color=COLOURS.get(str(run.get("regime")), GREY), marker="o", label="network"
        )
        seen += list(line.test_accuracy)
        between = metrics.dropna(subset=probed) if (probed := f"kernel_accuracy_{protocol}") in line else line[:0]
        between = between.loc[np.asarray((between.epoch > 0) & (between.epoch < end))]
        if len(between):
            ax.plot(between.epoch, between[probed], "s", color=GREY, markersize=5, label="kernel in between")
            seen += list(between[probed])
    levels = 0
    for when, style, word in (("init", "--", "kernel at initialization"), ("final", "-", "kernel after training")):
        value = run.get(f"kernel_accuracy_{protocol}_{when}")
        if isinstance(value, int | float) and np.isfinite(value):
            ax.axhline(value, color=GREY, linestyle=style, linewidth=1.4, label=f"{word} {fraction(value)}")
            seen.append(value)
            levels += 1
    if run.get("test_accuracy") is not None and not metrics.empty:
        ax.lines[0].set_label(f"network {fraction(float(run['test_accuracy']))}")
    if seen:
        accuracy_axis(ax, np.array(seen, dtype=float))
    ax.set_xlim(-0.04 * end if not metrics.empty and metrics.epoch.min() < 1 else 1 - 0.05 * end, 1.04 * end)
    ax.set_title(f"d  Test accuracy (kernel regression: protocol {protocol})" if levels else "Test accuracy")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel("epoch")
    ax.set_ylabel("test accuracy")
    ax.legend(loc="best")


def _losses(ax: Axes, metrics: pd.DataFrame, run: Mapping[str, Any], letter: str) -> None:
    """Loss on the training and the test set by epoch."""
    colour = COLOURS.get(str(run.get("regime")), GREY)
    for key, style, name in (("train_loss", "--", "training set"), ("test_loss", "-", "test set")):
        if _has(metrics, key):
            line = metrics.dropna(subset=key)
            ax.plot(line.epoch, line[key], style, color=colour, label=name)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:.4g}" if np.ptp(ax.get_ylim()) < ax.get_ylim()[0] else NullFormatter())
    ax.set_title(f"{letter}Loss")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend(loc="best")
