"""Networks whose outputs have a bias and a spread that fall with width; or that do what a claim denies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._trial import made_up, with_arrays

WIDTHS, SEEDS, POINTS = (16, 32, 64, 128, 1024), range(10), 600
EARLY, LATE = 10.0, 200.0


@dataclass(frozen=True)
class Laws:
    """What the runs obey; as it stands, the statements."""

    early: float = 0.2  # spread and bias early, in units of those at the end
    spread: float = 0.5  # exponent of the standard deviation in 1/width
    bias: float = 6.0  # of the mean at width 1, away from the labels
    exponent: float = 1.0  # of that in 1/width
    mup: float = 0.0  # exponents of the kernel's turn in width
    ntk: float = -0.5


BROKEN: Mapping[str, Mapping[str, float]] = {
    "early": {"early": 4.0},
    "grows": {"early": 2.0},
    "variance": {"spread": 0.1},
    "bias": {"bias": -3.0},
    "bias_exponent": {"exponent": 0.4},
    "features": {"mup": -0.4},
    "ntk": {"ntk": 0.0},
}


def trial(name: str, folder: Path, obeys: bool) -> pd.DataFrame:
    """Runs of which the statement of that claim is true, or false."""
    laws = Laws() if obeys else replace(Laws(), **BROKEN[name])
    cases = [(1.0, EARLY), (1.0, LATE), (None, LATE)]
    return made_up([_run(folder, laws, *case, w, seed) for case in cases for w in WIDTHS for seed in SEEDS])


def _run(folder: Path, laws: Laws, laziness: float | None, time: float, width: int, seed: int) -> dict[str, object]:
    labels = np.where(np.arange(POINTS) % 2, 1, -1)
    noise = np.random.default_rng([seed, width]).standard_normal(POINTS)
    size = laws.early if time == EARLY else 1.0
    bias, spread = laws.bias * width**-laws.exponent, width**-laws.spread
    f = 0.7 * labels - size * (bias * labels - spread * noise)
    arrays = {"test_outputs": f[:, None], "test_labels": (labels > 0).astype(np.int64)}
    ntk = laziness is None
    return {
        "config.tags": "width_consistency", "path": with_arrays(folder, f"{ntk}-{time:g}-{width}-{seed}", arrays),
        "seed": 0, "init_seed": seed, "width": width, "n_train": 300, "config.optimizer.max_time": time,
        "laziness": width**0.5 if ntk else 1.0, "alpha": 1.0 if ntk else width**-0.5,
        "kernel_angle": 0.4 * (width / 16) ** (laws.ntk if ntk else laws.mup) * (1 + 0.01 * seed),
    }  # fmt: skip
