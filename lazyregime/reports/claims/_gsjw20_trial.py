"""Runs over width and laziness that obey the laws of [GSJW20], or break the one that a claim is about."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lazyregime.reports.claims._gsjw20_images import COMPONENTS, IMAGES, RELU
from lazyregime.reports.claims._trial import made_up, with_arrays

WIDTHS, LAZINESS, SEEDS = (16, 64, 256), (0.01, 0.1, 1.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 10_000.0), range(6)
POINTS = 400


@dataclass(frozen=True)
class Laws:
    """What the runs obey; as it stands, the published laws."""

    lazy: float = 1.0
    feature: float = 1.3
    crossing: float = 50.0
    collapse: float = 0.5  # s, of the variable h^s alpha
    error_collapse: float = 0.5
    variance_lazy: float = -1.0
    variance_feature: float = -1.0
    time: float = 1.0
    peak: float = 10.0  # of the variance, in laziness
    displacement: float = -0.25
    flipped: float = 0.0  # test points that the smallest width has wrong
    all_flipped: float = 0.0  # and that all but the largest have wrong
    kernel: float = 0.0  # what the kernel reaches beyond the lazy network
    relu: float = 0.5  # exponents of the change of a ReLU kernel
    relu_lazy: float = 1.0
    dense: float = -0.03  # accuracy with features less that of lazy training, on CIFAR-10
    cnn: float = 0.03
    components: float = 0.02


BROKEN: Mapping[str, Mapping[str, float]] = {
    "kernel_change_lazy": {"lazy": 0.5},
    "kernel_change_feature": {"feature": 2.0},
    "kernel_crossing": {"crossing": 500.0},
    "alpha_star": {"collapse": 0.0},
    "variance_lazy": {"variance_lazy": -0.2},
    "variance_feature": {"variance_feature": -2.0},
    "half_loss_time_feature": {"time": 0.5},
    "ensemble_flat": {"flipped": 0.1},
    "ensemble_flat_feature": {"flipped": 0.1},
    "variance_peak": {"peak": 300.0},
    "displacement_feature": {"displacement": -1.0},
    "ensemble_is_width": {"all_flipped": 0.1},
    "collapse_kernel": {"collapse": 1.0},
    "collapse_error": {"error_collapse": 0.0},
    "lazy_is_kernel": {"kernel": 0.05},
    "relu_kernel_change": {"relu": 1.0},
    "relu_kernel_change_lazy": {"relu_lazy": 0.5},
    "cifar_dense_lazy": {"dense": 0.03},
    "cifar_cnn_feature": {"cnn": -0.03},
    "cifar_components_feature": {"components": -0.02},
}


def trial(name: str, folder: Path, obeys: bool) -> pd.DataFrame:
    """Runs of which the statement of that claim is true, or false."""
    return runs_under(folder, Laws() if obeys else replace(Laws(), **BROKEN[name]))


def runs_under(folder: Path, laws: Laws) -> pd.DataFrame:
    """Six initializations of three widths at nine values of laziness, and the kernel flows beside them."""
    truth = np.random.default_rng(0).standard_normal(POINTS)
    runs: list[dict[str, Any]] = []
    for width in WIDTHS:
        for seed in SEEDS:
            rng = np.random.default_rng([width, seed])
            common = {
                "width": width,
                "init_seed": seed,
                "config.tags": "gsjw20",
                "n_train": 300,
                "data": "mnist_parity",
            }
            for laziness in LAZINESS:
                told = _measured(laws, width, laziness, seed)
                kept = _outputs(laws, truth, width, laziness, rng)
                told["path"] = with_arrays(folder, f"{width}-{laziness:g}-{seed}", kept)
                runs.append({**common, **told, "laziness": laziness, "alpha": laziness / width**0.5})
            kernel = _measured(laws, width, 10_000.0, seed)["test_accuracy"] + laws.kernel
            runs.append({**common, "regime": "lazy", "alpha": 1.0, "laziness": width**0.5, "test_accuracy": kernel})
    return made_up([*runs, *(run for seed in SEEDS for run in _beside(laws, seed))])


def _beside(laws: Laws, seed: int) -> list[dict[str, Any]]:
    """Dense and convolutional networks on CIFAR-10, on components of it, and ReLU networks, of one initialization."""
    jitter, runs = 0.001 * np.sin(1 + seed), []
    kinds = [
        *(
            {"arch": arch, "config.tags": IMAGES, "gain": gain}
            for arch, gain in (("mlp", laws.dense), ("cnn", laws.cnn))
        ),
        *(
            {"arch": "mlp", "config.tags": COMPONENTS, "gain": laws.components, "config.data.pca": way}
            for way in ("points", "whitened", "scaled")
        ),
    ]
    for laziness, part in ((1.0, 1.0), (30.0, 0.5), (1000.0, 0.0)):
        for kind in kinds:
            told = {"laziness": laziness, "alpha": laziness / 16, "width": 256, "init_seed": seed, "n_train": 500}
            runs.append({**kind, **told, "test_accuracy": 0.75 + part * (kind["gain"] + jitter)})
    for laziness in (100.0, 1000.0, 1e4, 1e5, 1e6):
        flipping, after = min(laziness, 1e4) / 100, max(laziness, 1e4) / 1e4
        change = 0.3 * flipping ** -(laws.relu + jitter) * after ** -(laws.relu_lazy + jitter)
        told = {"laziness": laziness, "alpha": laziness / 8, "width": 64, "init_seed": seed, "n_train": 100}
        runs.append({"config.tags": RELU, **told, "kernel_change": change})
    return runs


def _measured(laws: Laws, width: int, laziness: float, seed: int) -> dict[str, Any]:
    alpha, jitter = laziness / width**0.5, 1 + 0.02 * np.sin(1 + seed)
    # both variables are lambda for the middle width, whatever the exponents
    moved = alpha * width**laws.collapse * 64 ** (0.5 - laws.collapse)
    erred = alpha * width**laws.error_collapse * 64 ** (0.5 - laws.error_collapse)
    exponent = laws.lazy if moved > laws.crossing else laws.feature
    return {
        "kernel_change": jitter * (laws.crossing / moved) ** exponent,
        "sup_displacement": jitter * laziness**laws.displacement,
        "half_loss_time": jitter * 3 * min(laziness, 30.0) ** laws.time,
        "test_accuracy": 0.9 + 0.02 * np.tanh(np.log10(erred) - 1) + 0.003 * np.log2(width) + 0.001 * np.sin(seed),
    }


def _outputs(laws: Laws, truth: np.ndarray, width: int, laziness: float, rng: Any) -> dict[str, np.ndarray]:
    power = laws.variance_lazy if laziness > 100 else laws.variance_feature
    bump = 1 + 3 * np.exp(-(np.log10(laziness / laws.peak) ** 2) / (2 * 0.3**2))
    f = truth + 0.005 * (width / 16) ** (power / 2) * bump * rng.standard_normal(POINTS)
    wrong = int(
        POINTS * ((laws.flipped if width == min(WIDTHS) else 0) + (laws.all_flipped if width < max(WIDTHS) else 0))
    )
    f[:wrong] *= -1
    return {"test_outputs": f[:, None], "test_labels": (truth > 0).astype(np.int64)}
