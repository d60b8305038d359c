"""One fit on one page: risk, and accuracy where there are classes, against the ridge on every split."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lazyregime.errors import LazyRegimeError
from lazyregime.reports.figures.style import GREY, grid, house_style, save
from lazyregime.reports.reading.folder import read_metrics

SPLITS = (
    ("train", "training set", GREY, ":"),
    ("leave_one_out", "leave-one-out", "#009E73", "--"),
    ("validation", "held-out samples", "#D55E00", "--"),
    ("test", "test set", "#0072B2", "-"),
)


def draw_fit(folder: str | Path, result: Mapping[str, Any]) -> Path:
    """Draw `figures/summary.png` of a run folder and return its path.

    Raises:
        LazyRegimeError: If the folder holds no metrics.
    """
    folder = Path(folder)
    metrics = read_metrics(folder / "metrics.csv")
    if metrics.empty:
        raise LazyRegimeError(f"{folder} has no metrics.csv to draw.")
    quantities = [q for q in ("risk", "accuracy") if f"test_{q}" in metrics]
    with house_style():
        figure, axes = grid(1, len(quantities), 5.2, 3.9)
        for ax, quantity in zip(axes[0], quantities, strict=True):
            _panel(ax, metrics, quantity, float(result["ridge"]))
        where = result.get("machine", "fit"), result.get("data", ""), result.get("n_train", "infinitely many")
        figure.suptitle(f"{where[0]} on {where[1]}, {where[2]} samples", x=0.015, ha="left")
        return save(figure, folder / "figures" / "summary.png", formats=("png",))


def _panel(ax: Axes, metrics: pd.DataFrame, quantity: str, chosen: float) -> None:
    positive = metrics.ridge > 0
    ridges = np.where(positive, metrics.ridge, metrics.ridge[positive].min() / 10 if positive.any() else 1.0)
    ax.set_xscale("log")
    for split, words, colour, style in SPLITS:
        column = f"{split}_{quantity}"
        if column in metrics:
            ax.plot(ridges, metrics[column], style, color=colour, marker="o", markersize=3.5, label=words)
    if chosen > 0:
        ax.axvline(chosen, color=GREY, linewidth=1.0, alpha=0.6, label="chosen")
    if len(ridges) == 1:
        ax.set_xlim(float(ridges[0]) / 10, float(ridges[0]) * 10)
    if quantity == "risk":
        ax.set_yscale("log")
        ax.set_ylabel("risk / risk of zero")
    else:
        ax.set_ylabel("accuracy")
    ax.set_title(quantity.capitalize())
    ax.set_xlabel("ridge")
    ax.legend(loc="best")
