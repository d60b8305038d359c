"""Feature against lazy training over width and laziness [GSJW20]: the figures, where their runs are there."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.claims._gsjw20_images import COMPONENTS, IMAGES, RELU
from lazyregime.reports.figures import gsjw20, gsjw20_images, phase
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.tags import tagged

ORDER = 30


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Figures 3, 4 and 5, and the phase diagram."""
    complete = runs[runs.status == "complete"]
    scaled, kernel = tagged(complete, "gsjw20"), tagged(complete, "gsjw20", "lazy")
    beside = pd.concat([tagged(complete, tag) for tag in (IMAGES, COMPONENTS, RELU)])
    drawings = {"gsjw20_cifar": Drawing(gsjw20_images.draw, beside, gsjw20_images.CAPTION)} if len(beside) else {}
    drawings |= _over_width(scaled, kernel) if len(scaled) else {}
    pictures, troubles = save_figures(figures, drawings)
    ensembles = {"gsjw20_ensembles": gsjw20.ensembles(scaled)} if len(scaled) else {}
    return Section(pictures=pictures, data=ensembles, troubles=troubles)


def _over_width(scaled: pd.DataFrame, kernel: pd.DataFrame) -> dict[str, Drawing]:
    return {
        "gsjw20_error": Drawing(lambda rows: gsjw20.error(rows, kernel), scaled, gsjw20.CAPTIONS["error"]),
        "gsjw20_variance": Drawing(gsjw20.fluctuations, scaled, gsjw20.CAPTIONS["variance"]),
        "gsjw20_kernel": Drawing(gsjw20.kernel_and_time, scaled, gsjw20.CAPTIONS["kernel"]),
        "gsjw20_phase": Drawing(phase.draw, scaled, phase.CAPTION),
    }
