"""Batches as indices into tensors in memory: the order of epoch e is a permutation drawn from (seed, e) alone."""

from collections.abc import Iterator
from typing import final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor


@final
class Batches:
    """Shuffled mini-batches, each an `index_select`; the order does not depend on what was drawn before.

    So a resumed run meets the batches that an undisturbed one would have met. `sampler` is what Lightning tells the
    epoch to.

    Args:
        inputs: (n, ...) inputs.
        labels: (n,) labels, or real targets (n, k).
        batch_size: Samples a batch, None for all at once; the last batch of an epoch may be smaller.
        seed: Of the order.
        limit: At most so many batches an epoch.
    """

    def __init__(
        self,
        inputs: Float[Tensor, "n *d"],
        labels: Shaped[Tensor, "n *k"],
        *,
        batch_size: int | None,
        seed: int = 0,
        limit: int | None = None,
    ) -> None:
        self.inputs, self.labels = inputs, labels
        self.batch_size = min(batch_size or len(labels), len(labels))
        self.seed, self.limit, self.epoch = seed, limit, 0
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        """Which epoch the next iteration is."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches an epoch."""
        whole = -(-len(self.labels) // self.batch_size)
        return whole if self.limit is None else min(whole, self.limit)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch."""
        order = self._order().to(self.labels.device)
        for indices in order.split(self.batch_size)[: len(self)]:
            yield self.inputs.index_select(0, indices), self.labels.index_select(0, indices)

    def _order(self) -> Int[Tensor, " n"]:
        if self.batch_size >= len(self.labels):
            return torch.arange(len(self.labels))
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
        return torch.randperm(len(self.labels), generator=generator)
