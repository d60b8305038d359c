"""Balanced and unbalanced initializations [KRD+24]: the figure, where its runs are there."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import balance
from lazyregime.reports.figures.style import house_style
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.tags import tagged

ORDER = 33


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """The turns of the kernel over the balance."""
    found = tagged(runs[runs.status == "complete"], "balance")
    if found.empty:
        return Section()
    with house_style():
        pictures, troubles = save_figures(figures, {"balance": Drawing(balance.draw, found, balance.CAPTION)})
    return Section(pictures=pictures, troubles=troubles)
