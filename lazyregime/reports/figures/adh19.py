"""[ADH+19]: accuracy against the number of samples, exact kernels beside a network and its own kernel."""

# pandas tells its types only in part.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from lazyregime.reports.figures.linearized import lines
from lazyregime.reports.figures.style import grid

CAPTION = "Test accuracy against the number of training images, without a ridge for the exact kernels."
TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}


def draw(table: pd.DataFrame) -> Figure | None:
    """A panel a data set; None without runs."""
    sets = sorted(str(name) for name in table.data.dropna().unique())
    if not sets:
        return None
    figure, axes = grid(1, len(sets), 4.8, 4.0)
    for ax, name in zip(axes[0], sets, strict=True):
        lines(ax, table[table.data == name], "n_train", "accuracy")
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(sorted(table.n_train.dropna().unique())))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.set_title(TITLES.get(name, name))
        ax.set_xlabel("training images")
    axes[0, 0].set_ylabel("test accuracy")
    shown = {label: handle for ax in axes[0] for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend([*shown.values()], [*shown], loc="outside lower center", ncols=3)
    return figure
