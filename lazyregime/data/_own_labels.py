"""What labels mean, by their type and shape: classes, one of two, several a sample, or real targets."""

from collections.abc import Mapping

import torch
from torch import Tensor

from lazyregime.data._own_samples import check_finite
from lazyregime.errors import LazyRegimeError


def labels_of(labels: Mapping[str, Tensor], origin: str) -> tuple[dict[str, Tensor], int]:
    """Labels of each set as `ClassificationData` has them, and the number of outputs.

    Raises:
        LazyRegimeError: If they are none, or differ in kind between the sets.
    """
    train = labels["train"]
    for split, y in labels.items():
        if y.ndim > 2 or y.shape[1:] != train.shape[1:] or y.is_floating_point() != train.is_floating_point():
            told = [f"{str(t.dtype).removeprefix('torch.')} {tuple(t.shape)}" for t in (train, y)]
            raise LazyRegimeError(
                f"{origin}: labels are {told[0]} for training and {told[1]} in the {split} set; give (n,) or (n, k) "
                "of one kind: whole numbers for classes, real ones for a regression."
            )
    if train.is_floating_point():
        for split, y in labels.items():
            check_finite(y if y.ndim == 2 else y[:, None], f"{origin}: the targets of the {split} set")
        return {split: _targets(y) for split, y in labels.items()}, _columns(train)
    if train.ndim == 2 or train.dtype == torch.bool:
        return _zeros_and_ones(labels, origin), _columns(train)
    return _classes(labels, origin)


def _targets(y: Tensor) -> Tensor:
    wide = y.float() if y.element_size() < 4 else y
    return wide if wide.ndim == 2 else wide[:, None]


def _columns(y: Tensor) -> int:
    return y.shape[1] if y.ndim == 2 else 1


def _zeros_and_ones(labels: Mapping[str, Tensor], origin: str) -> dict[str, Tensor]:
    """Several labels a sample (n, k), or one of two classes (n,)."""
    if _columns(labels["train"]) == 0:
        raise LazyRegimeError(f"{origin}: labels of shape (n, 0) say nothing; give at least one column.")
    for split, y in labels.items():
        if not bool(((y == 0) | (y == 1)).all()):
            raise LazyRegimeError(
                f"{origin}: several labels a sample are 0 or 1, and those of the {split} set go from {int(y.min())} to "
                f"{int(y.max())}; for classes give (n,), for a regression real numbers."
            )
    whole = {split: y.long() for split, y in labels.items()}
    return {split: y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y for split, y in whole.items()}


def _classes(labels: Mapping[str, Tensor], origin: str) -> tuple[dict[str, Tensor], int]:
    """One class a sample, numbered from 0; every class of the other sets is one of training."""
    train = labels["train"]
    lowest, highest = int(min(y.min() for y in labels.values())), int(train.max())
    if lowest < 0:
        raise LazyRegimeError(
            f"{origin}: a label is {lowest}; classes are numbered 0, 1, .. (from -1 and 1: (y + 1) // 2)."
        )
    if int(train.min()) > 0:
        raise LazyRegimeError(
            f"{origin}: the training classes go from {int(train.min())} to {highest}; number them from 0, for example "
            "by numpy.unique(y, return_inverse=True)."
        )
    if highest == 0:
        raise LazyRegimeError(f"{origin}: all training labels are 0; give samples of at least two classes.")
    if highest >= 10 * len(train.unique()) + 10:
        raise LazyRegimeError(
            f"{origin}: a label is {highest}, and there are {len(train.unique())} classes; number them 0, 1, .. by "
            "numpy.unique(y, return_inverse=True), or give real numbers for a regression."
        )
    for split, y in labels.items():
        if int(y.max()) > highest:
            raise LazyRegimeError(
                f"{origin}: the {split} set has the class {int(y.max())}, and the training classes are 0 to {highest}; "
                "every class needs training samples."
            )
    return {split: y.long() for split, y in labels.items()}, highest + 1
