"""Consistency over widths [VAB+23]: the figure, where its runs are there."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import width_consistency
from lazyregime.reports.figures.style import house_style
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.tags import tagged

ORDER = 35


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """What widths have in common."""
    found = tagged(runs[runs.status == "complete"], "width_consistency")
    if found.empty:
        return Section()
    drawing = Drawing(width_consistency.draw, found, width_consistency.CAPTION)
    with house_style():
        pictures, troubles = save_figures(figures, {"width_consistency": drawing})
    return Section(pictures=pictures, troubles=troubles)
