"""A kernel larger than memory, by blocks of rows: in a file, restartable, and over the processes of a group."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._engine import Progress
from lazyregime.kernels.empirical._factors import Outputs
from lazyregime.kernels.empirical._identity import Identity, identity
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.empirical._ntk import Request, clean, empirical_ntk
from lazyregime.kernels.empirical._precision import Precision
from lazyregime.kernels.empirical._stored import StoredKernel
from lazyregime.kernels.empirical._survey import Rules

Part = tuple[slice, slice]


def empirical_ntk_blocks(
    model: nn.Module,
    x1: Shaped[Tensor, "n *d"],
    x2: Shaped[Tensor, "m *d"] | None = None,
    *,
    path: str | Path | None = None,
    block_rows: int = 4096,
    group: dist.ProcessGroup | None = None,
    outputs: Outputs = "trace",
    memory_budget: int | None = None,
    progress: Progress | None = None,
    accumulate: torch.dtype | None = None,
    precision: Precision = "full",
    rules: Rules = "auto",
) -> Shaped[Tensor, "n m *k"]:
    """`empirical_ntk` in blocks of rows: on disk if given a path, over all processes if there are several.

    The blocks do not depend on the number of processes, so the result is the same, bit for bit, as on one. With a path
    the kernel is the NumPy file `path`, written by all processes (on a file system they share) and returned as a
    memory-mapped tensor, which may be written to without changing the file; the same call after a kill goes on with the
    blocks that are missing or damaged. Without a path every process gets the whole kernel.

    Memory peaks at `memory_budget` plus one block; without a path, plus the kernel.

    Args:
        model: As for `empirical_ntk`; the same parameters and inputs in all processes.
        x1: Inputs, samples first.
        x2: Other inputs; without them each block computes its columns from the diagonal on.
        path: The file; beside it `path.blocks/` notes what it is of (weights, layers, their code, inputs, options, and
            the kernel of two samples) and which blocks are done, with their checksums.
        block_rows: Rows a block. Each block evaluates all columns' gradients anew, so few large ones are faster.
        group: The process group; by default all processes.
        outputs: As for `empirical_ntk`.
        memory_budget: Bytes for one process.
        progress: Called with (blocks done, blocks in all) of this process.
        accumulate: As for `empirical_ntk`.
        precision: As for `empirical_ntk`.
        rules: As for `empirical_ntk`.

    Raises:
        LazyRegimeError: If the file holds another kernel, if there is no room for it, or for what `empirical_ntk`
            refuses.
    """
    if block_rows < 1:
        raise LazyRegimeError(f"block_rows is {block_rows}; it must be at least 1.")
    x1, x2 = clean(x1), None if x2 is None else clean(x2)
    budget = default_budget(x1.device) if memory_budget is None else memory_budget
    request = Request(model, x1[:1], (x1 if x2 is None else x2)[:1], outputs, budget, accumulate, rules, precision)
    with request.loan() as loan:
        head = request.prepare(loan).found
    n, m, k = x1.shape[0], (x1 if x2 is None else x2).shape[0], head.num_outputs
    shape = (n, m, *{"trace": (), "diagonal": (k,), "full": (k, k)}[outputs])
    dtype = accumulate or head.dtype

    def compute(rows: Tensor, columns: Tensor | None) -> Tensor:
        return empirical_ntk(
            model,
            rows,
            columns,
            outputs=outputs,
            memory_budget=budget,
            accumulate=accumulate,
            precision=precision,
            rules=rules,
        )

    def asked() -> Identity:
        options = {"outputs": outputs, "dtype": dtype, "precision": precision, "block_rows": block_rows, "rules": rules}
        return identity(model, x1, x2, options, lambda few: compute(few, None))

    rank, world = (dist.get_rank(group), dist.get_world_size(group)) if dist.is_initialized() else (0, 1)
    target = _Memory(shape, dtype, x1.device, group) if path is None else _File(Path(path), shape, dtype, group)
    target.open(rank, asked)
    blocks = range(rank, -(-n // block_rows), world)
    for done, index in enumerate(blocks, start=1):
        start, stop = index * block_rows, min(n, (index + 1) * block_rows)
        first = start if x2 is None else 0
        parts: list[Part] = [(slice(start, stop), slice(first, m))]
        if x2 is None and stop < n:
            parts.append((slice(stop, n), slice(start, stop)))
        if not target.has(index, parts):
            block = compute(x1[start:stop], (x1 if x2 is None else x2)[first:])
            target.write(*parts[0], block)
            for below in parts[1:]:
                turned = block[:, stop - start :].transpose(0, 1)
                target.write(*below, turned.transpose(2, 3) if outputs == "full" else turned)
            target.finish(index, parts)
        if progress is not None:
            progress(done, len(blocks))
    return target.result()


@final
class _Memory:
    """The whole kernel in every process: blocks are disjoint, so their sum over the processes is the kernel."""

    def __init__(
        self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device, group: dist.ProcessGroup | None
    ) -> None:
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        self.group = group

    def open(self, rank: int, asked: Callable[[], Identity]) -> None:
        """Nothing to open."""

    def has(self, index: int, parts: list[Part]) -> bool:
        """Nothing is kept from earlier."""
        return False

    def write(self, rows: slice, columns: slice, block: Tensor) -> None:
        """Put a block in its place."""
        self.values[rows, columns] = block

    def finish(self, index: int, parts: list[Part]) -> None:
        """Nothing to note."""

    def result(self) -> Tensor:
        """The kernel."""
        if dist.is_initialized():
            dist.all_reduce(self.values, group=self.group)
        return self.values


@final
class _File:
    """A stored kernel that the processes of a group fill together."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: torch.dtype, group: dist.ProcessGroup | None) -> None:
        self.stored, self.group = StoredKernel(path, shape, dtype), group
        self.has, self.write, self.finish = self.stored.has, self.stored.write, self.stored.finish

    def open(self, rank: int, asked: Callable[[], Identity]) -> None:
        """Create the file, or go on with it if it is of the same kernel.

        Raises:
            LazyRegimeError: In all processes, if the first one cannot.
        """
        said: list[Any] = [None]
        if rank == 0:
            try:
                self.stored.create(asked())
            except LazyRegimeError as error:
                said = [error]
        if dist.is_initialized():
            dist.broadcast_object_list(said, group_src=0, group=self.group)
        if said[0] is not None:
            raise said[0]
        self.stored.open()

    def result(self) -> Tensor:
        """The kernel, memory-mapped."""
        if dist.is_initialized():
            dist.barrier(self.group)
        return self.stored.result()
