"""Which samples of a stored data set are trained on, held out and tested on."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from lazyregime.errors import LazyRegimeError

_MOST_SEED = 2**63 - 1


class Split(NamedTuple):
    """`x[~held_out][kept]` is trained on, `x[held_out]` validates; `tested` picks from the test samples."""

    held_out: Bool[Tensor, " n"]
    kept: slice | Int[Tensor, " k"]
    tested: slice


def split(
    available: int,
    available_test: int,
    *,
    n_train: int | None,
    n_validation: int,
    n_test: int | None,
    data_seed: int,
    subset: str | None = None,
) -> Split:
    """The first `n_train` of the samples that are not held out, and the first `n_test`; None is all.

    With subset="random" the `n_train` are drawn by `data_seed` and stay in file order.

    Raises:
        LazyRegimeError: If a number is out of range, or the subset is not known.
    """
    held_out = _held_out(available, n_validation, data_seed)
    count = _count("n_train", n_train, available - n_validation)
    if subset not in (None, "random"):
        raise LazyRegimeError(f"subset={subset!r} is not known; give random, or none for the first in file order.")
    kept = slice(count) if subset is None else _drawn(available - n_validation, count, data_seed)
    return Split(held_out, kept, slice(_count("n_test", n_test, available_test)))


def _drawn(available: int, count: int, data_seed: int) -> Int[Tensor, " k"]:
    """Other samples than those that the same seed holds out: its second permutation."""
    generator = torch.Generator().manual_seed(data_seed)
    torch.randperm(available, generator=generator)
    return torch.randperm(available, generator=generator)[:count].sort().values


def _held_out(n_samples: int, n_validation: int, data_seed: int) -> Bool[Tensor, " n"]:
    """True for the samples of the validation set."""
    if not 0 <= n_validation < n_samples:
        raise LazyRegimeError(
            f"n_validation is {n_validation}; of {n_samples} training samples hold out 0 to {n_samples - 1}."
        )
    if not 0 <= data_seed <= _MOST_SEED:
        raise LazyRegimeError(f"data_seed is {data_seed}; give a whole number from 0 to {_MOST_SEED}.")
    order = torch.randperm(n_samples, generator=torch.Generator().manual_seed(data_seed))
    chosen = torch.zeros(n_samples, dtype=torch.bool)
    chosen[order[:n_validation]] = True
    return chosen


def _count(name: str, given: int | None, available: int) -> int:
    if given is None:
        return available
    if not 1 <= given <= available:
        raise LazyRegimeError(f"{name} is {given}; give 1 to {available}, or none for all {available}.")
    return given
