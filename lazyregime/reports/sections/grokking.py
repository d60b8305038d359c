"""Grokking by laziness [KBGP24]: the figure, where its runs are there."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import grokking
from lazyregime.reports.figures.style import house_style
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.tags import tagged

ORDER = 34


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Losses, alignment and delay by laziness."""
    found = tagged(runs[runs.status == "complete"], "grokking")
    if found.empty:
        return Section()
    with house_style():
        pictures, troubles = save_figures(figures, {"grokking": Drawing(grokking.draw, found, grokking.CAPTION)})
    return Section(pictures=pictures, troubles=troubles)
