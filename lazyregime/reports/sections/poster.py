"""The poster's MNIST table beside its published values, and accuracy against width."""

from pathlib import Path

import pandas as pd

from lazyregime.reports._words import poster_words
from lazyregime.reports.figures import accuracy_width
from lazyregime.reports.missing import missing_commands
from lazyregime.reports.section import Section, save_figures
from lazyregime.reports.tables.poster import poster_table

ORDER = 10


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """What there is of the poster's table, and the commands for the rest of it."""
    told = poster_table(runs)
    table = told.table
    return Section(
        [poster_words(told)],
        save_figures(figures, {"accuracy_width": (accuracy_width.draw(table), accuracy_width.CAPTION)}),
        {"poster_table": table.drop(columns="key")},
        missing_commands(runs),
    )
