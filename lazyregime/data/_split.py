"""Which samples of a stored data set are trained on, held out and tested on."""

from typing import Any, NamedTuple, TypedDict, Unpack

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from lazyregime.data.arguments import MOST_SEED, one_of, whole


class SplitArguments(TypedDict):
    """What every data set of a fixed size is asked for."""

    n_train: int | None
    n_validation: int
    n_test: int | None
    subset: str | None
    data_seed: int


class Split(NamedTuple):
    """`x[trained]` is trained on, `x[held_out]` validates; `tested` picks from the test samples."""

    trained: Int[Tensor, " k"]
    held_out: Int[Tensor, " v"]
    tested: slice


def check_split(
    available: int, available_test: int, *, n_train: Any, n_validation: Any, n_test: Any, subset: Any, data_seed: Any
) -> None:
    """Refuse what these samples cannot give.

    Raises:
        LazyRegimeError: If a number is out of range, or the subset is not known.
    """
    whole("n_validation", n_validation, 0, available - 1)
    whole("n_train", n_train, 1, available - n_validation, or_none="all")
    whole("n_test", n_test, 1, available_test, or_none="all")
    whole("data_seed", data_seed, 0, MOST_SEED)
    one_of("subset", subset, ("random",), or_none="the first in file order")


def split(available: int, available_test: int, **given: Unpack[SplitArguments]) -> Split:
    """The first `n_train` of the samples that are not held out, and the first `n_test`; None is all.

    With subset="random" the `n_train` are drawn by `data_seed` and stay in file order.

    Raises:
        LazyRegimeError: If a number is out of range, or the subset is not known.
    """
    check_split(available, available_test, **given)
    held_out = _held_out(available, given["n_validation"], given["data_seed"])
    rest = torch.where(~held_out)[0]
    count = len(rest) if given["n_train"] is None else given["n_train"]
    kept = rest[:count] if given["subset"] is None else rest[_drawn(len(rest), count, given["data_seed"])]
    return Split(kept, torch.where(held_out)[0], slice(given["n_test"]))


def _drawn(available: int, count: int, data_seed: int) -> Int[Tensor, " k"]:
    """Other samples than those that the same seed holds out: its second permutation."""
    generator = torch.Generator().manual_seed(data_seed)
    torch.randperm(available, generator=generator)
    return torch.randperm(available, generator=generator)[:count].sort().values


def _held_out(n_samples: int, n_validation: int, data_seed: int) -> Bool[Tensor, " n"]:
    """True for the samples of the validation set."""
    order = torch.randperm(n_samples, generator=torch.Generator().manual_seed(data_seed))
    chosen = torch.zeros(n_samples, dtype=torch.bool)
    chosen[order[:n_validation]] = True
    return chosen
