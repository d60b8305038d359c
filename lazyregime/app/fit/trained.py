"""The network of a training run, at initialization or at a checkpoint, and its tangent kernel."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from lazyregime.app.compose.build import build_network
from lazyregime.app.compose.trust import check_stored, stored_config
from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import EmpiricalKernel

MOMENTS = ("init", "last", "best")


def empirical_kernel(
    run: str | None = None, at: str = "init", dtype: str | None = None, trust: Any = None
) -> EmpiricalKernel:
    """The tangent kernel of a run's network, summed over outputs.

    Args:
        run: The run folder.
        at: init, or the checkpoint last or best.
        dtype: float32 or float64, in which the kernel is computed; None is the network's own.
        trust: Modules whose networks may be built from the folder, beside this package's.

    Raises:
        LazyRegimeError: If there is no such run or checkpoint.
    """
    if run is None:
        raise LazyRegimeError("machine=empirical_ntk needs machine.run=FOLDER, the folder of a training run.")
    if dtype not in (None, "float32", "float64"):
        raise LazyRegimeError(f"machine.dtype={dtype!r} is not known; choose float32, float64, or null.")
    network = network_of_run(Path(run), at, trust)
    return EmpiricalKernel(network.to(getattr(torch, dtype)) if dtype else network, outputs="trace")


def network_of_run(run: Path, at: str = "init", trust: object = None) -> nn.Module:
    """The network with the weights that it had.

    Raises:
        LazyRegimeError: If there is no such run or checkpoint.
    """
    if at not in MOMENTS:
        raise LazyRegimeError(f"machine.at={at!r} is not known; choose one of {', '.join(MOMENTS)}.")
    if not (run / "config.yaml").is_file():
        raise LazyRegimeError(f"{run} is no run folder (it has no config.yaml); give the folder of a training run.")
    config = stored_config(run / "config.yaml")
    if "arch" not in config:
        raise LazyRegimeError(f"{run} is not a training run; give one that python -m lazyregime.train made.")
    check_stored(config, ["arch"], trust, run)
    network = build_network(config)
    if at != "init":
        checkpoint = run / "checkpoints" / f"{at}.ckpt"
        if not checkpoint.is_file():
            raise LazyRegimeError(f"{checkpoint} does not exist; give another machine.at, or train the run anew.")
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
        prefix = "network."
        network.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    return network.eval()
