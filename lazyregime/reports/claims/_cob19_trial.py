"""Runs over alpha, and students of a teacher, that obey what [COB19] states, or break what a claim is about."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lazyregime.reports.claims._trial import made_up, with_arrays

ALPHAS, SEEDS, POINTS = (0.1, 1.0, 10.0, 100.0, 1000.0), range(4), 300


@dataclass(frozen=True)
class Laws:
    """What the runs obey; as it stands, the statements."""

    displacement: float = -1.0
    linear: float = -1.0
    activations: float = -1.0
    changed: float = 0.2  # fraction of ReLUs at alpha = 1
    gain: float = 0.05  # accuracy at the smallest alpha less that at the largest
    scale: float = 3.0
    best: float = 2.0
    scaling: float = 3.0
    vgg_gain: float = 0.1  # of VGG-11, as `gain`
    vgg_fit: float = 0.2  # the same of the training accuracy
    vgg_changed: float = 0.2  # and as `changed`
    vgg_linear: float = 0.4  # test accuracy of its tangent model


BROKEN: Mapping[str, Mapping[str, float]] = {
    "displacement": {"displacement": -0.5},
    "linear": {"linear": -0.5},
    "activations": {"changed": 100.0},
    "activations_rate": {"activations": -0.3},
    "lazy_is_worse": {"gain": -0.05},
    "scale": {"scale": 0.9},
    "scale_best": {"best": 0.9},
    "over_parameterized": {"scaling": 0.9},
    "vgg_lazy_is_worse": {"vgg_gain": -0.05},
    "vgg_lazy_fits_less": {"vgg_fit": -0.05},
    "vgg_activations": {"vgg_changed": 100.0},
    "vgg_above_linearized": {"vgg_linear": 0.6},
    "vgg_tends_to_linearized": {"vgg_linear": 0.3},
}


def trial(name: str, folder: Path, obeys: bool) -> pd.DataFrame:
    """Runs of which the statement of that claim is true, or false."""
    return runs_under(folder, Laws() if obeys else replace(Laws(), **BROKEN[name]))


def runs_under(folder: Path, laws: Laws) -> pd.DataFrame:
    """Four initializations over alpha with their tangent models, and four students of a teacher."""
    runs: list[dict[str, Any]] = []
    for seed in SEEDS:
        runs += _of_seed(folder, laws, seed)
    return made_up([{"config.tags": "cob19", **run} for run in runs])


def _of_seed(folder: Path, laws: Laws, seed: int) -> list[dict[str, Any]]:
    rng, jitter = np.random.default_rng(seed), 1 + 0.02 * np.sin(1 + seed)
    limit, labels = rng.standard_normal((POINTS, 1)), np.zeros(POINTS, dtype=np.int64)
    away = rng.standard_normal((POINTS, 1))
    common = {"init_seed": seed, "n_train": 500, "width": 64}
    lazy = {"test_outputs": limit, "test_labels": labels}
    runs = [{**common, "regime": "lazy", "alpha": 1.0, "path": with_arrays(folder, f"lazy-{seed}", lazy)}]
    for alpha in ALPHAS:
        kept = {"test_outputs": limit + jitter * alpha**laws.linear * away, "test_labels": labels}
        runs.append({
            **common, "alpha": alpha, "path": with_arrays(folder, f"{alpha:g}-{seed}", kept),
            "sup_displacement": jitter * alpha**laws.displacement,
            "relu_unchanged": 1 - jitter * min(laws.changed * alpha**laws.activations, 0.5),
            "test_accuracy": 0.7 - laws.gain * np.log10(alpha) / 4 + 0.001 * np.sin(seed),
        })  # fmt: skip
    student = {"arch": "two_layer", "seed": seed, "n_train": 300, "width": 50, "parameterization": "ntk"}
    for a in (0.01, 1.0, 100.0):
        told = {"test_loss": laws.scale ** (np.log10(a) / 4), "best_test_loss": 0.5 * laws.best ** (np.log10(a) / 4)}
        runs.append({**student, "alpha": a, **{name: jitter * 1e-3 * value for name, value in told.items()}})
    runs += _vggs(laws, seed)
    for name, factor in (("ntk", laws.scaling), ("mean_field", 1.0)):
        told = {"width": 64, "alpha": 1.0, "parameterization": name, "test_loss": jitter * 1e-3 * factor}
        runs.append({**student, **told})
    return runs


def _vggs(laws: Laws, seed: int) -> list[dict[str, Any]]:
    jitter = 0.001 * np.sin(seed)
    common = {"arch": "vgg11", "init_seed": seed, "n_train": 2000, "width": 8}
    runs: list[dict[str, Any]] = [
        {**common, "regime": "lazy", "alpha": 1.0, "test_accuracy": laws.vgg_linear + 0.001 * np.cos(seed)}
    ]
    for alpha in ALPHAS:
        part = np.log10(alpha / min(ALPHAS)) / 4  # 0 at the smallest, 1 at the largest
        runs.append({
            **common, "alpha": alpha, "test_accuracy": 0.5 - laws.vgg_gain * part + jitter,
            "train_accuracy": 0.7 - laws.vgg_fit * part + jitter,
            "relu_unchanged": 1 - (1 + jitter) * min(laws.vgg_changed * alpha**laws.activations, 0.5),
        })  # fmt: skip
    return runs
