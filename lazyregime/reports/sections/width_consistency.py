"""Consistency over widths [VAB+23]: the figure, where its runs are there."""

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import width_consistency
from lazyregime.reports.section import Section, figure_of_study

ORDER = 35


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """What widths have in common."""
    return figure_of_study(runs, figures, "width_consistency", width_consistency.draw, width_consistency.CAPTION)
