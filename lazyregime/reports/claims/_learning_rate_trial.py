"""Runs whose largest stable and best learning rates follow given powers of gamma, each way true to a claim or not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._trial import made_up

RATES, SCALES = 2.0 ** np.arange(-30, 12), 10.0 ** np.arange(-3, 4)


@dataclass(frozen=True)
class Laws:
    """Powers of gamma of eta, of the rates from which training diverges and of the best ones; the statements."""

    stable_lazy: float = 2.0
    stable_rich_2: float = 1.0
    stable_rich_3: float = 2 / 3
    best_lazy: float = 2.0
    best_rich_2: float = 1.0
    best_rich_3: float = 2 / 3


# What would be seen if the rate were that of the lazy regime, of no scaling at all, or of the other depth.
BROKEN: Mapping[str, float] = {
    "stable_lazy": 1.5, "stable_rich_2": 0.5, "stable_rich_3": 1.0, "best_lazy": 1.5, "best_rich_2": 0.5,
    "best_rich_3": 1.2,
}  # fmt: skip


def trial(name: str, folder: Path, obeys: bool) -> pd.DataFrame:
    """Runs of which the statement of that claim is true, or false."""
    del folder
    laws = Laws() if obeys else replace(Laws(), **{name: BROKEN[name]})
    places = [(depth, scale, seed) for depth in (1, 2) for scale in SCALES for seed in range(3)]
    return made_up([run for place in places for run in _row(laws, *place)])


def _row(laws: Laws, depth: int, scale: float, seed: int) -> list[dict[str, object]]:
    """Every learning rate at one laziness."""
    gamma = 1 / scale
    where = "lazy" if gamma < 1 else f"rich_{depth + 1}"
    stable, best = (getattr(laws, f"{which}_{where}") for which in ("stable", "best"))
    wobble = 1 + 0.05 * seed
    lowest = 2.0 ** np.round(np.log2(0.1 * wobble * gamma ** (best - 2)))
    return [
        {
            "config.tags": "learning_rate", "seed": seed, "width": 64.0, "laziness": scale, "alpha": scale / 8,
            "config.arch.depth": depth, "lr": lr, "config.optimizer.lr": lr,
            "diverged_at": 5.0 if lr > 8 * wobble * gamma ** (stable - 2) else float("nan"),
            "test_loss": 0.01 + abs(np.log(lr / lowest)), "n_train": 30000,
        }
        for lr in RATES
    ]  # fmt: skip
