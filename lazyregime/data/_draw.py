"""Disjoint sets of indices, each with a seed of its own and with equally many of every class [GSJW20]."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from lazyregime.data.arguments import whole
from lazyregime.errors import LazyRegimeError


def check_draw(class_counts: Sequence[int], sizes: Mapping[str, Any]) -> None:
    """Refuse sets of which some class has too few images.

    Raises:
        LazyRegimeError: Naming the set for which one runs out.
    """
    left = list(class_counts)
    for name, size in sizes.items():
        whole(name, size, 1)
        left = [n - count for n, count in zip(left, _shares(size, len(left)), strict=True)]
        if min(left) < 0:
            raise LazyRegimeError(
                f"data.{name}={size} is not possible: of {sum(class_counts)} images in {len(class_counts)} classes the "
                f"sets {', '.join(sizes)} are drawn apart, equally from each class; give fewer in all."
            )


def draw(classes: Int[Tensor, " n"], sizes: Mapping[str, int], seeds: tuple[int, ...]) -> list[Int[Tensor, " m"]]:
    """Disjoint sets of indices with equally many of every class (one more of the first ones where it does not divide).

    Raises:
        LazyRegimeError: If a class runs out.
    """
    groups = [torch.where(classes == c)[0] for c in classes.unique().tolist()]
    check_draw([len(group) for group in groups], sizes)
    sets: list[Tensor] = []
    for size, seed in zip(sizes.values(), seeds, strict=True):
        generator = torch.Generator().manual_seed(seed)
        groups = [group[torch.randperm(len(group), generator=generator)] for group in groups]
        counts = _shares(size, len(groups))
        taken = [group[:count] for count, group in zip(counts, groups, strict=True)]
        # class by class in turn, so that the first points of a set are balanced too
        ranks = torch.cat([torch.arange(len(t)) for t in taken])
        sets.append(torch.cat(taken)[torch.argsort(ranks, stable=True)])
        groups = [group[count:] for count, group in zip(counts, groups, strict=True)]
    return sets


def _shares(size: int, classes: int) -> list[int]:
    return [size // classes + (i < size % classes) for i in range(classes)]
