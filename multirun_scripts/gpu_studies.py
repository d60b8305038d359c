"""Pieces of multirun_scripts/gpu.py: runs of the studies, each a few minutes of a GPU, and tiny ones.

They are those that decide a study's claims, at the sizes of the papers where an hour allows: the whole studies are
`SIZE=paper multirun_scripts/NAME.sh`.
"""

import time
from collections.abc import Sequence
from itertools import product

from gpu_pieces import Kit, Piece

import lazyregime

Run = tuple[str, str, Sequence[str]]  # how it is called, command, overrides


def _swept(command: str, fixed: Sequence[str], **axes: Sequence[object]) -> list[Run]:
    """A run for each combination; a dot of a key is written as two underscores."""
    keys = [key.replace("__", ".") for key in axes]
    chosen = [[f"{k}={v}" for k, v in zip(keys, values, strict=True)] for values in product(*axes.values())]
    return [(f"{command} {' '.join(words)}", command, [*fixed, *words]) for words in chosen]


NOISE = ["experiment=gmmm20_noise", "data.n_train=60000", "data.n_test=10000", "ridges=[1e-3]"]
NOISE_NET = ["experiment=gmmm20_noise_net", "data.n_train=60000", "data.n_test=10000", "width=4096", "optimizer=sgd",
             "optimizer.momentum=0.9", "trainer.max_epochs=100"]  # fmt: skip
FLOW = ["experiment=gsjw20", "data.n_train=5000", "optimizer.max_dgrad=1e-4"]
TEACHER = ["experiment=cob19_teacher", "data.dimension=100", "data.n_train=1000", "optimizer.max_steps=25000"]
PAPER: dict[str, list[Run]] = {
    "gmmm20": [
        *_swept("fit", NOISE, machine=("krr_rf", "krr_ntk"), data__tau=(0, 3)),
        *_swept("train", NOISE_NET, data__tau=(0, 3)),
    ],
    "gsjw20": _swept("train", FLOW, width=(30, 100, 300, 1000), laziness=(0.01, 1, 100)),
    "cob19": _swept("train", TEACHER, alpha=(1, 10, 100), init_seed=(0, 1)),
    "adh19": _swept("fit", ["experiment=adh19", "data=mnist"], data__n_train=(1000, 10_000), seed=(0, 1, 2)),
    "poster": [
        *_swept("train", ["experiment=poster_table"], width=(1024, 2048, 4096)),
        *_swept("train", ["experiment=poster_table_cnn"], width=(32, 64, 128, 256)),
    ],
}
BRIEF = ["optimizer.max_steps=20"]
FEW = ["data.n_train=60", "data.n_test=40"]
PROBE = ["ntk.anchors_per_class=2", "ntk.n_test=20"]
TINY: dict[str, list[Run]] = {
    "gmmm20": [
        ("fit", "fit", ["experiment=gmmm20_noise", "machine=krr_rf", "data.tau=3", *FEW, "ridges=[1e-3]"]),
        ("train", "train", ["experiment=gmmm20_noise_net", "data.tau=3", *FEW, "width=8", "trainer.max_epochs=1"]),
    ],
    "gsjw20": [("train", "train", ["experiment=gsjw20", *FEW, "data.n_kernel=10", "width=8", "laziness=1", *BRIEF])],
    "cob19": [
        ("train", "train", ["experiment=cob19_teacher", "alpha=1", "data.dimension=5", "data.n_train=20", *BRIEF])
    ],
    "adh19": [("fit", "fit", ["experiment=adh19", "data=mnist", *FEW])],
    "poster": [("train", "train", ["experiment=poster_table", *FEW, "width=8", "trainer.max_epochs=1", *PROBE])],
}


def _pieces(study: str, kit: Kit) -> list[Piece]:
    return [
        _piece(f"{study}: {label}", command, given) for label, command, given in (TINY if kit.tiny else PAPER)[study]
    ]


def _piece(name: str, command: str, overrides: Sequence[str]) -> Piece:
    def compute(kit: Kit) -> tuple[float, str]:
        since = time.perf_counter()
        where = [f"device={kit.device.type}", f"runs_dir={kit.runs}"]
        result = lazyregime.run(*overrides, *where, command=command, quiet=True)  # pyright: ignore[reportArgumentType]
        measures = ("test_accuracy", "test_loss", "test_risk")
        told = [f"{key} {result[key]:.4g}" for key in measures if result.get(key) is not None]
        return time.perf_counter() - since, ", ".join(told)

    flops32, flops64, size = _predicted(command, dict(o.split("=", 1) for o in overrides))
    return Piece(name, compute, flops32, flops64, size)


def _predicted(command: str, given: dict[str, str]) -> tuple[float | None, float, float]:
    """Operations in float32 and float64, and bytes, as far as the settings tell them."""
    n = int(given.get("data.n_train", 60_000))
    if command == "fit":
        return 0.0, n**3 / 3 + 2.0 * 784 * n * n, 24.0 * n * n
    experiment, width = given["experiment"], int(given.get("width", 1024))
    epochs = int(given.get("trainer.max_epochs", 5))
    if experiment == "gmmm20_noise_net":
        return 6.0 * 794 * width * n * epochs, 0.0, 16.0 * 794 * width
    if experiment == "poster_table":
        parameters = 794.0 * width + 2 * width**2
        return 6 * parameters * n * epochs, 0.0, 16 * parameters
    return None, 0.0, 0.0  # steps that are chosen as it goes, or convolutions


GROUPS = {study: (lambda kit, study=study: _pieces(study, kit)) for study in PAPER}
