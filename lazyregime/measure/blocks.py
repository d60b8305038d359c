"""A long kernel in blocks of rows: kept as they are finished, shared by the processes, left between two of them."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from lazyregime.kernels import NotInProgress, empirical_ntk_blocks
from lazyregime.notice import NOTICE


def kernel_in_blocks(
    model: nn.Module,
    x1: Shaped[Tensor, "n *d"],
    x2: Shaped[Tensor, "m *d"] | None,
    update: Callable[[int, int], None],
    *,
    folder: Path | None,
    block_rows: int,
    memory_budget: int | None,
) -> Float[Tensor, "n m"]:
    """The empirical NTK; on a notice to leave it leaves behind the block that is being computed.

    Args:
        model: Of which the kernel is.
        x1: Inputs, of which the blocks are rows.
        x2: Other inputs.
        update: Called with (blocks done, blocks in all).
        folder: Where finished blocks are kept; the same kernel, asked for again, goes on with those that are missing.
        block_rows: Rows a block.
        memory_budget: Bytes.
    """

    def block_is_done(done: int, total: int) -> None:
        update(done, total)
        if NOTICE.signum:
            NOTICE.leave()

    path = None if folder is None else folder / f"{_digest(model, x1, x2)}.npy"

    def compute() -> Tensor:
        return empirical_ntk_blocks(
            model, x1, x2, path=path, block_rows=block_rows, memory_budget=memory_budget, progress=block_is_done
        )

    with NOTICE.deferred():
        try:
            return compute()
        except NotInProgress:  # killed while blocks were taken away, or damaged; in this folder all is the run's own
            assert path is not None
            _take_away(path)
            return compute()


def _take_away(path: Path) -> None:
    mean_over_processes(torch.zeros(()))  # every process of the run has met it
    path.unlink(missing_ok=True)
    shutil.rmtree(path.with_name(f"{path.name}.blocks"), ignore_errors=True)
    mean_over_processes(torch.zeros(()))


def mean_over_processes(values: Tensor) -> Tensor:
    """The mean of what each process has."""
    if not dist.is_initialized():
        return values
    total = values.clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


def _digest(model: nn.Module, *inputs: Tensor | None) -> str:
    """Which kernel it is: the blocks of one are no blocks of another."""
    digest = hashlib.blake2b(digest_size=6)
    for tensor in (*model.parameters(), *inputs):
        if tensor is not None:
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
