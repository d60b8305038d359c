"""Lazy training by scale [COB19]: the alpha sweep and the teacher-student problem, where their runs are there."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.claims._cob19_vgg import VGG
from lazyregime.reports.figures import cob19
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.tags import tagged

ORDER = 31


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """After figures 2 and 3."""
    complete = runs[runs.status == "complete"]
    scaled, lazy = tagged(complete, "cob19"), tagged(complete, "cob19", "lazy")
    if scaled.empty:
        return Section()
    networks, students = scaled[scaled.arch == "mlp"], scaled[scaled.arch == "two_layer"]
    vgg, others = scaled[scaled.arch == VGG], lazy[lazy.arch != VGG]
    drawings = {
        "cob19_vgg": Drawing(lambda rows: cob19.vgg(rows, lazy[lazy.arch == VGG]), vgg, cob19.CAPTIONS["vgg"]),
        "cob19_alpha": Drawing(lambda rows: cob19.alpha_sweep(rows, others), networks, cob19.CAPTIONS["alpha"]),
        "cob19_teacher": Drawing(cob19.teacher, students, cob19.CAPTIONS["teacher"]),
    }
    pictures, troubles = save_figures(figures, drawings)
    return Section(pictures=pictures, troubles=troubles)
