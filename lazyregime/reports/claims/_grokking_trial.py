"""Runs that grok the later the lazier they are; or that do what a claim denies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._trial import made_up

SEEDS, LAZINESS, DECAY = range(4), (0.25, 1.0, 4.0, 16.0), 1e-3


@dataclass(frozen=True)
class Laws:
    """What the runs obey; as it stands, the statements."""

    delay: float = 1.2  # of the test loss, at laziness 1/4, in units of the time to half the training loss
    exponent: float = 0.4  # of that in laziness
    training: float = 0.3  # of the time to half the training loss
    early: float = 0.1  # part of the alignment that has come when the training loss falls
    decayed: float = 1.0  # test loss under mu


BROKEN: Mapping[str, Mapping[str, float]] = {
    "delay": {"delay": 6.0, "exponent": -0.2},
    "rich": {"delay": 4.0},
    "kernel": {"early": 0.9},
    "steps": {"training": 2.5},
    "decay": {"decayed": 0.1},
}


def trial(name: str, folder: Path, obeys: bool) -> pd.DataFrame:
    """Runs of which the statement of that claim is true, or false."""
    laws = Laws() if obeys else replace(Laws(), **BROKEN[name])
    runs = [_run(folder, laws, seed, laziness) for seed in SEEDS for laziness in LAZINESS]
    for seed in SEEDS:
        for decay, loss in ((DECAY, laws.decayed), (DECAY / LAZINESS[-1], 0.1)):
            runs.append(
                _run(folder, laws, seed, LAZINESS[-1]) | {"config.optimizer.weight_decay": decay, "test_loss": loss}
            )
    return made_up(runs)


def _run(folder: Path, laws: Laws, seed: int, laziness: float) -> dict[str, object]:
    train = 10 * (1 + 0.05 * seed) * laziness**laws.training
    test = train * laws.delay * (laziness / LAZINESS[0]) ** laws.exponent
    path = folder / f"{laziness:g}-{seed}"
    path.mkdir(parents=True, exist_ok=True)
    _curves(train, test, laws.early).to_csv(path / "metrics.csv", index=False)
    return {
        "config.tags": "grokking", "path": str(path), "seed": seed, "laziness": laziness, "alpha": laziness,
        "config.optimizer.weight_decay": None, "test_loss": 0.1, "n_train": 275,
    }  # fmt: skip


def _curves(train: float, test: float, early: float) -> pd.DataFrame:
    time = np.concatenate([[0.0], np.geomspace(0.1, 10 * max(train, test), 400)])
    falling = {f"{name}_loss": 1 / (1 + time / half) for name, half in (("train", train), ("test", test))}
    aligned = np.interp(time, sorted((0.0, train, test)), (0.1, 0.1 + 0.4 * early, 0.5))
    return pd.DataFrame({"time": time, **falling, "kernel_alignment": aligned})
