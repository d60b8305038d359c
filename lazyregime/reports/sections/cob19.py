"""Lazy training by scale [COB19]: the alpha sweep and the teacher-student problem, where their runs are there."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import cob19
from lazyregime.reports.figures.style import house_style
from lazyregime.reports.section import Section, save_figures
from lazyregime.reports.tables.tags import tagged

ORDER = 31


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """After figures 2 and 3."""
    complete = runs[runs.status == "complete"]
    scaled, lazy = tagged(complete, "cob19"), tagged(complete, "cob19", "lazy")
    if scaled.empty:
        return Section()
    with house_style():
        drawn = {
            "cob19_alpha": (cob19.alpha_sweep(scaled[scaled.arch == "mlp"], lazy), cob19.CAPTIONS["alpha"]),
            "cob19_teacher": (cob19.teacher(scaled[scaled.arch == "two_layer"]), cob19.CAPTIONS["teacher"]),
        }
        return Section(pictures=save_figures(figures, drawn))
