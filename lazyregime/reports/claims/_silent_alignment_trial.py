"""Runs whose kernels align before, or with, the fall of the loss; or that do what a claim denies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._trial import made_up, with_arrays

SEEDS, POINTS, LAZINESS = range(4), 20, (0.01, 100.0)


@dataclass(frozen=True)
class Laws:
    """What the runs obey; as it stands, the statements."""

    early: float = 0.8  # weight of y y^T in the early kernel, at the small scale, over that in the final one
    lazy: float = 0.0  # in the final one, at the large scale
    risk: float = 0.001  # of regression with the final kernel, where the network has 0.001 and the first kernel 0.1


BROKEN: Mapping[str, Mapping[str, float]] = {
    "before_the_loss": {"early": 0.05},
    "lazy": {"lazy": 20.0},
    "final_kernel": {"risk": 0.05},
}


def trial(name: str, folder: Path, obeys: bool) -> pd.DataFrame:
    """Runs of which the statement of that claim is true, or false."""
    laws = Laws() if obeys else replace(Laws(), **BROKEN[name])
    return made_up([_run(folder, laws, seed, laziness) for seed in SEEDS for laziness in LAZINESS])


def _run(folder: Path, laws: Laws, seed: int, laziness: float) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((POINTS, 1))
    x = rng.standard_normal((POINTS, 40)) / 40**0.5
    final = 0.05 if laziness < 1 else 0.05 * laws.lazy
    weights = {"init": 0.0, "loss_0.95": laws.early * final, "final": final}
    arrays = {f"gram_{tag}": x @ x.T + weight * (y @ y.T) for tag, weight in weights.items()}
    path = with_arrays(folder, f"{laziness:g}-{seed}", arrays | {"anchor_targets": y})
    return {
        "config.tags": "silent_alignment", "path": path, "seed": seed, "laziness": laziness, "alpha": laziness,
        "test_loss": 0.0005, "kernel_risk_adh_init": 0.1, "kernel_risk_adh_final": laws.risk, "n_train": 100,
    }  # fmt: skip
