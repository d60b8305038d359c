"""Run folders as the train command leaves them, written from the description of the format alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf
from safetensors.numpy import save_file

COUNTS = {
    ("mlp", 1024): 2_913_290, ("mlp", 2048): 10_020_874, ("mlp", 4096): 36_818_954, ("mlp", 8192): 140_746_762,
    ("cnn", 32): 173_706, ("cnn", 64): 384_266, ("cnn", 128): 915_978, ("cnn", 256): 2_421_770,
}  # fmt: skip


def result(**changes: Any) -> dict[str, Any]:
    """result.json of a complete regular run of the poster's MLP; `changes` are set on top."""
    base = {
        "status": "complete", "command": "train", "name": "regular-mlp-w1024-s0", "id": "abc123", "group": "mnist",
        "regime": "regular", "arch": "mlp", "width": 1024, "alpha": 1.0, "laziness": 32.0,
        "parameterization": "standard", "loss": "cross_entropy", "optimizer": "adam",
        "data": "mnist", "seed": 0, "init_seed": 0, "data_seed": 0,
        "batch_seed": 0, "n_train": 60000, "num_params": 2_913_290, "epochs": 5, "steps": 2345, "protocol": "adh",
        "train_loss": 0.01, "train_accuracy": 0.997, "test_loss": 0.07, "test_accuracy": 0.982,
        "validation_accuracy": None, "selected_on": None,
        "kernel_accuracy_adh_init": 0.838, "kernel_accuracy_adh_final": 0.974,
        "kernel_accuracy_poster_init": 0.757, "kernel_accuracy_poster_final": 0.958,
        "kernel_change": 2.5, "kernel_distance": 0.3, "kernel_alignment_init": 0.11, "kernel_alignment_final": 0.64,
        "effective_rank_init": 40.0, "effective_rank_final": 9.0, "condition_number_adh_init": 2e3,
        "parameter_displacement": 0.4, "relu_unchanged": 0.9, "verdict": "feature learning",
        "num_anchors": 300, "num_test_probe": 10000, "seconds": 80.0, "host": "here", "device": "cpu", "num_threads": 1,
        "versions": {"lazyregime": "0.1.0", "torch": "2.13.0"},
        "started": "2026-01-01T10:00:00", "finished": "2026-01-01T10:02:00",
    }  # fmt: skip
    base |= changes
    if "num_params" not in changes:
        base["num_params"] = COUNTS.get((base["arch"], base["width"]), 1000)
    return base


REQUIRED = {
    "train": {"regime": "regular", "arch": "two_layer", "loss": "mse", "optimizer": "adam", "data": "mnist"},
    "fit": {"machine": "krr_ntk", "data": "mnist"},
    "flow": {"target": "teacher", "init": "antisymmetric", "integrator": "adaptive", "scaling": "both", "widths": [32],
             "width": 32, "activation": "tanh", "trained": "both", "num_seeds": 2, "in_features": 3, "n_samples": 10,
             "end_time": 1.0},
}  # fmt: skip


def told(command: str, name: str = "run", **changes: Any) -> dict[str, Any]:
    """The least that result.json says of a run of that command; `changes` are set on top."""
    where = {"name": name, "id": "abc123", "group": "mine", "host": "here", "device": "cpu", "num_threads": 1}
    when = {"seconds": 1.0, "started": "2026-01-01T10:00:00+00:00", "finished": "2026-01-01T10:02:00+00:00"}
    return {"status": "complete", "command": command, "seed": 0} | where | when | REQUIRED[command] | changes


def config(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """config.yaml of that result; `changes` are dotted keys."""
    arch = {
        "name": of["arch"],
        "_target_": "lazyregime.networks.X",
        "width": of["width"],
        "depth": 3,
        "activation": "relu",
        "normalize_activation": False,
    }
    if of["arch"] == "cnn":
        arch["last_activation"] = False
    tree = OmegaConf.create({
        "width": of["width"], "alpha": None, "lr": 0.001, "seed": of["seed"], "group": of["group"], "name": of["name"],
        "tags": ["fake"], "data_dir": f"data{of['seed']}", "arch": arch, "regime": {"name": of["regime"]},
        "optimizer": {"name": of["optimizer"], "lr": 0.001}, "loss": {"name": of["loss"]},
        "data": {"name": of["data"], "n_train": None, "n_test": None, "data_seed": of["seed"]},
        "trainer": {"max_epochs": 5, "batch_size": 128, "schedule": "linear"},
        "progress": "auto",
        "ntk": {"protocol": "adh", "anchors_per_class": 30}, "tracking": {"kind": "csv"},
    })  # fmt: skip
    for key, value in changes.items():
        OmegaConf.update(tree, key, value)
    return OmegaConf.to_container(tree)  # type: ignore[return-value]


def write_run(folder: Path, config_changes: dict[str, Any] | None = None, kernels: bool = True, **changes: Any) -> Path:
    """A complete run folder. `changes` go to result.json, `config_changes` (dotted) to config.yaml."""
    folder.mkdir(parents=True)
    scalars = result(**changes)
    OmegaConf.save(OmegaConf.create(config(scalars, **(config_changes or {}))), folder / "config.yaml")
    write_metrics(folder, scalars["test_accuracy"], scalars["epochs"])
    if kernels:
        write_kernels(folder, scalars["seed"])
    (folder / "result.json").write_text(json.dumps(scalars))
    return folder


def write_metrics(folder: Path, accuracy: float, epochs: int) -> None:
    header = "epoch,step,seconds,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate"
    rows = [
        f"{e},{e * 469},{e * 9.1},{0.3 / e},{1 - 0.05 / e},{0.2 / e},{1 - (1 - accuracy) * (3 + epochs - e) / 3},0.001"
        for e in range(1, epochs + 1)
    ]
    (folder / "metrics.csv").write_text("\n".join([header, *rows]) + "\n")


def write_kernels(folder: Path, seed: int, per_class: int = 3) -> None:
    """A Gram matrix without classes before, with classes after, and their eigenvalues."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(10), per_class)
    x = rng.normal(size=(len(labels), 40)) + 1.0
    y = x + 3 * np.eye(10)[labels] @ rng.normal(size=(10, 40))
    grams = {"gram_init": x @ x.T + np.eye(len(x)), "gram_final": y @ y.T + np.eye(len(y))}
    spectra = {k.replace("gram", "spectrum"): np.linalg.eigvalsh(g)[::-1].copy() for k, g in grams.items()}
    save_file({**grams, **spectra, "anchor_labels": labels}, folder / "kernels.safetensors")
