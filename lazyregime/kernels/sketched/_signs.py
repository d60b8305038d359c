"""Independent random signs for each probe, side and part of the network, the same for every sample."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

BLOCK = 16  # probes that are drawn, and outputs that are differentiated, together


Part = tuple[int, int]  # of a network: a layer and a term of its gradient, or a parameter


@final
@dataclass(frozen=True)
class Signs:
    """Signs for `num_probes` sketches of `size` by `size` numbers; drawn again whenever they are asked for.

    Attributes:
        seed: Sketches of other seeds are independent.
        num_probes: Independent sketches.
        size: Numbers that each side of a gradient is projected to.
        like: Has the dtype and the device of what is projected.
    """

    seed: int
    num_probes: int
    size: int
    like: Tensor

    def blocks(self) -> list[slice]:
        """The probes that go together."""
        starts = range(0, self.num_probes, BLOCK)
        return [slice(start, min(start + BLOCK, self.num_probes)) for start in starts]

    def outputs(self, k: int) -> Tensor:
        """Z (num_probes, k), which mixes the outputs: E[Z_k Z_k'] is 1 if they are the same, else 0."""
        return torch.cat([self._draw((b.stop - b.start, k), (b.start,)) for b in self.blocks()])

    def sides(self, block: slice, part: Part, left: tuple[int, ...], right: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """U (B, *left, size) and V (B, *right, size) of a block of probes, for one part of the network."""
        num = block.stop - block.start
        u = self._draw((num, *left, self.size), (block.start, *part, 0))
        return u, self._draw((num, *right, self.size), (block.start, *part, 1))

    def _draw(self, shape: tuple[int, ...], stream: tuple[int, ...]) -> Tensor:
        words = np.random.SeedSequence((self.seed, *stream)).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))
        signs = torch.randint(0, 2, shape, generator=generator, dtype=torch.int8)
        return signs.to(self.like).mul_(2).sub_(1)
