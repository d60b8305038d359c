"""The regimes side by side: accuracy, how far the kernel moves, and its spectrum."""

from pathlib import Path

import pandas as pd

from lazyregime.reports._words import regimes_words
from lazyregime.reports.figures import kernel_change, regime_accuracy, spectra
from lazyregime.reports.section import Section, save_figures
from lazyregime.reports.tables.regimes import regimes_table

ORDER = 20


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Every complete training run, averaged over its seeds."""
    told = regimes_table(runs)
    table = told.table
    drawn = {
        "regime_accuracy": (regime_accuracy.draw(table), regime_accuracy.CAPTION),
        "kernel_change": (kernel_change.draw(table), kernel_change.CAPTION),
        "spectra": (spectra.draw(runs), spectra.CAPTION),
    }
    return Section([regimes_words(told)], save_figures(figures, drawn), {"regimes": table.drop(columns="key")})
