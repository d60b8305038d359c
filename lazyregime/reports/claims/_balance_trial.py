"""Runs whose kernels turn as the theory of unbalanced initializations says; or that do what a claim denies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._trial import made_up, with_arrays

SEEDS, POINTS, BALANCES = range(4), 20, (0.25, 1.0, 4.0)


@dataclass(frozen=True)
class Laws:
    """What the runs obey, downstream, balanced, upstream; as it stands, the statements. Weights of another kernel."""

    linear: tuple[float, float, float] = (0.05, 1.0, 0.05)
    half: tuple[float, float, float] = (0.05, 0.3, 0.8)
    losses: tuple[float, float, float] = (0.1, 0.05, 0.02)


BROKEN: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "linear": {"linear": (0.05, 1.0, 0.9)},
    "upstream": {"half": (0.05, 0.8, 0.3)},
    "downstream": {"half": (0.8, 0.3, 0.8)},
    "error": {"losses": (0.02, 0.05, 0.1)},
}


def trial(name: str, folder: Path, obeys: bool) -> pd.DataFrame:
    """Runs of which the statement of that claim is true, or false."""
    laws = Laws() if obeys else replace(Laws(), **BROKEN[name])
    runs = [(seed, place, activation) for seed in SEEDS for place in range(3) for activation in ("relu", "linear")]
    return made_up([_run(folder, laws, *run) for run in runs])


def _run(folder: Path, laws: Laws, seed: int, place: int, activation: str) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    x, z = (rng.standard_normal((POINTS, 40)) / 40**0.5 for _ in range(2))
    first, other = x @ x.T, z @ z.T
    turned = {"final": laws.linear[place], "loss_0.5": laws.half[place]}
    arrays = {"gram_init": first} | {f"gram_{tag}": first + weight * other for tag, weight in turned.items()}
    return {
        "config.tags": "balance", "path": with_arrays(folder, f"{activation}-{place}-{seed}", arrays), "seed": seed,
        "laziness": 1.0, "alpha": 1.0, "config.arch.balance": BALANCES[place], "config.arch.activation": activation,
        "test_loss": laws.losses[place] * (1 + 0.01 * seed), "n_train": 200,
    }  # fmt: skip
