"""Grokking by laziness [KBGP24]: the figure, where its runs are there."""

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import grokking
from lazyregime.reports.section import Section, figure_of_study

ORDER = 34


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Losses, alignment and delay by laziness."""
    return figure_of_study(runs, figures, "grokking", grokking.draw, grokking.CAPTION)
