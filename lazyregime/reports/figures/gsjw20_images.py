"""Dense and convolutional networks on CIFAR-10 over alpha, components made three ways, and ReLU kernels [GSJW20]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.claims._gsjw20_images import COMPONENTS, IMAGES, RELU
from lazyregime.reports.figures.style import COLOURS, grid, shades
from lazyregime.reports.tables.tags import tagged

CAPTION = (
    "Test error on CIFAR-10, animals against vehicles, over alpha: a dense network and a CNN on whole images, and a "
    "dense network on ten principal components made in each published way, with standard errors over initializations; "
    "and the change of the kernel of a ReLU network over laziness. After figures 3c and 5a of [GSJW20]."
)
NAMES = {"mlp": "dense", "cnn": "CNN"}


def draw(runs: pd.DataFrame) -> Figure | None:
    """A panel for each of the three that has runs over at least two scales."""
    images, components, relu = (tagged(runs, tag) for tag in (IMAGES, COMPONENTS, RELU))
    parts = [part for part in (images, components, relu) if len(part) and part.laziness.nunique() > 1]
    if not parts:
        return None
    figure, axes = grid(1, len(parts), 4.3, 3.8)
    left = list(axes.flat)
    if len(images) and images.laziness.nunique() > 1:
        groups = {NAMES.get(arch, arch): part for arch, part in images.groupby("arch")}
        _errors(left.pop(0), groups, "Whole images")
    if len(components) and components.laziness.nunique() > 1:
        _errors(left.pop(0), dict(iter(components.groupby("config.data.pca"))), "Ten components, dense")
    if len(relu) and relu.laziness.nunique() > 1:
        _changes(left.pop(0), relu)
    return figure


def _errors(ax: Axes, groups: dict[str, pd.DataFrame], title: str) -> None:
    for (name, part), colour in zip(groups.items(), shades(len(groups)), strict=True):
        errors = (100 - 100 * part.test_accuracy).groupby(part.alpha.round(8))
        mean, spread = errors.mean(), errors.sem().fillna(0)
        ax.errorbar(mean.index, mean, spread, marker="o", markersize=4, color=colour, label=name)
    ax.set(title=title, xscale="log", xlabel="α", ylabel="test error / %")
    ax.legend()


def _changes(ax: Axes, runs: pd.DataFrame) -> None:
    changes = np.log(runs.kernel_change).groupby(runs.laziness.round(6))
    mean = np.exp(changes.mean())
    ax.plot(mean.index, mean, "o-", markersize=4, color=COLOURS["scaled"], label="ReLU")
    low, high = mean.iloc[0], mean.iloc[-1]
    ends = np.array([mean.index.min(), mean.index.max()])
    ax.plot(ends, low * (ends / ends[0]) ** -0.5, ":", color="black", label="slope -1/2")
    ax.plot(ends, high * (ends / ends[1]) ** -1.0, "--", color="black", label="slope -1")
    ax.set(title="Kernel change of ReLU networks", xscale="log", yscale="log", xlabel="laziness  √h α")
    ax.set_ylim(low / 1e5, 3 * low)
    ax.legend()
