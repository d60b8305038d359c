"""Balanced and unbalanced initializations [KRD+24]: the figure, where its runs are there."""

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import balance
from lazyregime.reports.section import Section, figure_of_study

ORDER = 33


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """The turns of the kernel over the balance."""
    return figure_of_study(runs, figures, "balance", balance.draw, balance.CAPTION)
