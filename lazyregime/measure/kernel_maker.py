"""How a probe's kernels are computed: with which memory, in which blocks, shown to whom."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from lazyregime.data import as_inputs
from lazyregime.kernels import empirical_ntk, empirical_ntk_layers
from lazyregime.measure.blocks import kernel_in_blocks

Update = Callable[[int, int], None]
Progress = Callable[[str], AbstractContextManager[Update]]


@contextlib.contextmanager
def in_silence(title: str) -> Iterator[Update]:
    """Progress that nobody sees."""
    del title
    yield lambda done, total: None


@final
@dataclass(frozen=True)
class KernelMaker:
    """The empirical NTK of a model in eval mode, on the CPU whatever the device of the model.

    Args:
        progress: A context manager that shows how far a kernel has come.
        memory_budget: Bytes for the computation; None for a part of what is free.
        block_rows: A kernel of more rows is computed in blocks of so many, in shares where there are several processes.
        blocks_dir: Where blocks are kept, so that a probe that was ended goes on with those that are missing.
    """

    progress: Progress = in_silence
    memory_budget: int | None = None
    block_rows: int = 2500
    blocks_dir: Path | None = None

    def __call__(
        self, model: nn.Module, x1: Shaped[Tensor, "n *d"], x2: Shaped[Tensor, "m *d"] | None = None, *, title: str
    ) -> Float[Tensor, "n m"]:
        """The kernel of x1 with x2, or with itself."""
        x1, x2 = _inputs(model, x1), None if x2 is None else _inputs(model, x2)
        with self.progress(title) as update:
            if len(x1) > self.block_rows:
                return kernel_in_blocks(
                    model, x1, x2, update, folder=self.blocks_dir, block_rows=self.block_rows,
                    memory_budget=self.memory_budget,
                ).cpu()  # fmt: skip
            return empirical_ntk(model, x1, x2, memory_budget=self.memory_budget, progress=update).cpu()

    def by_layer(self, model: nn.Module, x: Shaped[Tensor, "n *d"]) -> dict[str, Float[Tensor, "n n"]]:
        """The kernel of x with itself by each layer's own parameters."""
        grams = empirical_ntk_layers(model, _inputs(model, x), memory_budget=self.memory_budget)
        return {layer or "(model)": gram.cpu() for layer, gram in grams.items()}


def _inputs(model: nn.Module, x: Tensor) -> Tensor:
    weight = next(model.parameters())
    return as_inputs(x, weight.device, weight.dtype)
