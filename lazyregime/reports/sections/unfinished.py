"""Every run without a result, with the reason: none is dropped in silence."""

from os.path import commonpath
from pathlib import Path

import pandas as pd

from lazyregime.reports._words import unfinished_words
from lazyregime.reports.section import Section

ORDER = 90


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Failed, running and interrupted runs."""
    del figures
    return Section([unfinished_words(runs, Path(commonpath(list(runs.path))))])
