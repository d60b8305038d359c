"""The tangent kernel of the network of a training run, as a machine of `fit`."""

from pathlib import Path
from typing import Any

import torch

from lazyregime.app.trained import load_network
from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import EmpiricalKernel


def empirical_kernel(
    run: str | None = None, at: str = "init", dtype: str | None = None, unfinished: bool = False, trust: Any = None
) -> EmpiricalKernel:
    """The tangent kernel of a run's network, summed over outputs.

    Args:
        run: The run folder.
        at: init, or the checkpoint last or best.
        dtype: float32 or float64, in which the kernel is computed; None is the network's own.
        unfinished: Whether the run may be one that is not complete; the plan looks at it.
        trust: Modules whose networks may be built from the folder, beside this package's.

    Raises:
        LazyRegimeError: If there is no such run or checkpoint.
    """
    del unfinished
    if run is None:
        raise LazyRegimeError("machine=empirical_ntk needs machine.run=FOLDER, the folder of a training run.")
    if dtype not in (None, "float32", "float64"):
        raise LazyRegimeError(f"machine.dtype={dtype!r} is not known; choose float32, float64, or null.")
    network = load_network(Path(run), at, trust=trust)
    return EmpiricalKernel(network.to(getattr(torch, dtype)) if dtype else network, outputs="trace")
