"""What every result.json of a training says of the run: which it is, and how and where it was computed."""

import datetime
import platform
import time
from importlib.metadata import version
from typing import Any

import torch

from lazyregime.app.compose.config import ConfigDict
from lazyregime.networks import parameterization_of
from lazyregime.regimes import AbstractRegime, laziness
from lazyregime.runs.folder import RunFolder

VERSIONS = ("lazyregime", "torch", "pytorch-lightning")


def which_run(config: ConfigDict, folder: RunFolder, *, module: AbstractRegime, n_train: int) -> dict[str, Any]:
    """Name, choices, seeds and sizes."""
    network = module.network
    return {
        "status": "complete",
        "command": "train",
        "name": folder.name,
        "id": folder.id,
        "group": config["group"],
        **{group: config[group]["name"] for group in ("regime", "arch", "loss", "optimizer", "data")},
        "width": config["width"],
        "alpha": module.alpha,
        "laziness": laziness(module.alpha, network),
        "parameterization": parameterization_of(network),
        **{key: config[key] for key in ("lr", "seed", "init_seed", "data_seed", "batch_seed")},
        "n_train": n_train,
        "num_params": sum(p.numel() for p in network.parameters()),
    }


def how_computed(started: str, since: float, device: torch.device) -> dict[str, Any]:
    """Time, place and versions."""
    return {
        "seconds": round(time.perf_counter() - since, 2),
        "host": platform.node(),
        "device": str(device),
        "num_threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in VERSIONS},
        "started": started,
        "finished": now(),
    }


def now() -> str:
    """The time of day, for people."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
