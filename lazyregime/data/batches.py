"""Batches as indices into tensors in memory: the order of epoch e is a permutation drawn from (seed, e) alone."""

from collections.abc import Iterator
from typing import final

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError


@final
class Batches:
    """Shuffled mini-batches, each an `index_select`; the order does not depend on what was drawn before.

    So a resumed run meets the batches that an undisturbed one would have met. `sampler` is what Lightning tells the
    epoch to, and the state is what it keeps in a checkpoint to go on within an epoch.

    Args:
        inputs: (n, ...) inputs.
        labels: (n,) labels, or real targets (n, k).
        batch_size: Samples a batch, None for all at once; the last batch of an epoch may be smaller.
        seed: Of the order.
        limit: At most so many batches an epoch.
        share: (i, k): of each batch only the samples i, i + k, i + 2k..., the share of process i of k.

    Raises:
        LazyRegimeError: If a batch has fewer samples than there are shares.
    """

    def __init__(
        self,
        inputs: Shaped[Tensor, "n *d"],
        labels: Shaped[Tensor, "n *k"],
        *,
        batch_size: int | None,
        seed: int = 0,
        limit: int | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.inputs, self.labels = inputs, labels
        self.batch_size = min(batch_size or len(labels), len(labels))
        self.seed, self.limit, self.epoch, self.share = seed, limit, 0, share
        self.sampler = self
        self._given = 0  # batches of this epoch that were handed out
        self._resume: tuple[int, int] | None = None  # an epoch, and how many of its batches to leave out
        smallest = self.num_samples(len(self) - 1)
        if smallest < share[1]:
            raise LazyRegimeError(
                f"the last batch of an epoch has {smallest} of the {len(labels)} samples, which cannot be divided "
                f"among {share[1]} processes; choose another trainer.batch_size or data.n_train."
            )

    def set_epoch(self, epoch: int) -> None:
        """Which epoch the next iteration is."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches an epoch."""
        whole = -(-len(self.labels) // self.batch_size)
        return whole if self.limit is None else min(whole, self.limit)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch, or what is left of the one that was resumed."""
        resume, self._resume = self._resume, None
        first = resume[1] if resume is not None and resume[0] == self.epoch else 0
        index, num_shares = self.share
        order = self._order().to(self.labels.device)
        for number, indices in enumerate(order.split(self.batch_size)[: len(self)]):
            if number >= first:
                self._given = number + 1
                mine = indices[index::num_shares]
                yield self.inputs.index_select(0, mine), self.labels.index_select(0, mine)

    def num_samples(self, number: int) -> int:
        """Of a batch, in all its shares."""
        return min(self.batch_size, len(self.labels) - number * self.batch_size)

    def state_dict(self) -> dict[str, int]:
        """How far the epoch has come."""
        return {"epoch": self.epoch, "batches": self._given}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Let the next iteration go on from there, if it is of that epoch."""
        self._resume = (state_dict["epoch"], state_dict["batches"])

    def _order(self) -> Int[Tensor, " n"]:
        if self.batch_size >= len(self.labels):
            return torch.arange(len(self.labels))
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
        return torch.randperm(len(self.labels), generator=generator)
