"""A kernel larger than memory, by blocks of rows: in a file, restartable, and over the processes of a group."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._engine import Progress
from lazyregime.kernels.empirical._factors import Outputs
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.empirical._ntk import Request, clean, empirical_ntk
from lazyregime.kernels.empirical._precision import Precision
from lazyregime.kernels.empirical._survey import Rules

BlockRows = Callable[[Tensor, Tensor | None], Tensor]


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
    memory-mapped tensor; the same call after a kill goes on with the blocks that are missing. Without a path every
    process gets the whole kernel.

    Memory peaks at `memory_budget` plus one block; without a path, plus the kernel.

    Args:
        model: As for `empirical_ntk`; the same parameters and inputs in all processes.
        x1: Inputs, samples first.
        x2: Other inputs; without them each block computes its columns from the diagonal on.
        path: The file; beside it `path.blocks/` notes which blocks are done and what they are blocks of.
        block_rows: Rows a block. Each block evaluates all columns' gradients anew, so few large ones are faster.
        group: The process group; by default all processes.
        outputs: As for `empirical_ntk`.
        memory_budget: Bytes for one process.
        progress: Called with (blocks done, blocks in all) of this process.
        accumulate: As for `empirical_ntk`.
        precision: As for `empirical_ntk`.
        rules: As for `empirical_ntk`.

    Raises:
        LazyRegimeError: If the file holds another kernel, or for what `empirical_ntk` refuses.
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

    def compute(rows: Tensor, columns: Tensor) -> Tensor:
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

    rank, world = (dist.get_rank(group), dist.get_world_size(group)) if dist.is_initialized() else (0, 1)
    target = _Memory(shape, dtype, x1.device, group) if path is None else _File(Path(path), shape, dtype, group)
    target.open(rank, lambda: _fingerprint(model, x1, x2, outputs, dtype, precision, block_rows))
    blocks = range(rank, -(-n // block_rows), world)
    for done, index in enumerate(blocks, start=1):
        if not target.has(index):
            start, stop = index * block_rows, min(n, (index + 1) * block_rows)
            first = start if x2 is None else 0
            block = compute(x1[start:stop], (x1 if x2 is None else x2)[first:])
            target.write(start, first, block)
            if x2 is None and stop < n:
                below = block[:, stop - start :].transpose(0, 1)
                target.write(stop, start, below.transpose(2, 3) if outputs == "full" else below)
            target.finish(index)
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

    def open(self, rank: int, fingerprint: Callable[[], str]) -> None:
        """Nothing to open."""

    def has(self, index: int) -> bool:
        """Nothing is kept from earlier."""
        return False

    def write(self, row: int, column: int, block: Tensor) -> None:
        """Put a block in its place."""
        self.values[row : row + block.shape[0], column : column + block.shape[1]] = block

    def finish(self, index: int) -> None:
        """Nothing to note."""

    def result(self) -> Tensor:
        """The kernel."""
        if dist.is_initialized():
            dist.all_reduce(self.values, group=self.group)
        return self.values


@final
class _File:
    """A NumPy file of the kernel and a folder with a mark for each finished block."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: torch.dtype, group: dist.ProcessGroup | None) -> None:
        self.path, self.marks = path, path.with_name(path.name + ".blocks")
        self.shape, self.dtype, self.group = shape, torch.empty(0, dtype=dtype).numpy().dtype, group
        self.values: Any = None

    def open(self, rank: int, fingerprint: Callable[[], str]) -> None:
        """Create the file, or go on with it if it is of the same kernel.

        Raises:
            LazyRegimeError: If it is not.
        """
        request = self.marks / "request.json"
        if rank == 0:
            asked = {"shape": list(self.shape), "dtype": str(self.dtype), "fingerprint": fingerprint()}
            if request.exists() and json.loads(request.read_text()) != asked:
                raise LazyRegimeError(
                    f"{self.path} holds blocks of another kernel (other parameters, inputs or options); delete it "
                    f"and the folder {self.marks}, "
                    "or choose another path."
                )
            if not request.exists():
                if self.path.exists():
                    raise LazyRegimeError(
                        f"{self.path} exists and is no kernel in progress; delete it or choose another path."
                    )
                self.marks.mkdir(parents=True, exist_ok=True)
                part = self.path.with_name(self.path.name + ".part")
                np.lib.format.open_memmap(part, mode="w+", dtype=self.dtype, shape=self.shape).flush()
                part.replace(self.path)
                _write_through(request, json.dumps(asked))
        if dist.is_initialized():
            dist.barrier(self.group)
        self.values = np.lib.format.open_memmap(self.path, mode="r+")

    def has(self, index: int) -> bool:
        """Whether the block was finished, perhaps by an earlier process."""
        return (self.marks / str(index)).exists()

    def write(self, row: int, column: int, block: Tensor) -> None:
        """Put a block in its place."""
        self.values[row : row + block.shape[0], column : column + block.shape[1]] = block.cpu().numpy()

    def finish(self, index: int) -> None:
        """Note the block as done, once its values are on disk."""
        self.values.flush()
        _write_through(self.marks / str(index), "")

    def result(self) -> Tensor:
        """The kernel, memory-mapped."""
        if dist.is_initialized():
            dist.barrier(self.group)
        return torch.from_numpy(self.values)


def _write_through(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _fingerprint(model: nn.Module, x1: Tensor, x2: Tensor | None, *options: object) -> str:
    digest = hashlib.sha256(repr(options).encode())
    named = [*model.named_parameters(), *model.named_buffers(), ("x1", x1), *([] if x2 is None else [("x2", x2)])]
    for name, tensor in named:
        counts = isinstance(tensor, nn.Parameter) and tensor.requires_grad
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} {counts}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
