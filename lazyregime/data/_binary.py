"""What the two-class problems of [GSJW20] share: images of training and test set together, as points."""

import functools
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lazyregime.data import _cifar10, _mnist
from lazyregime.data._classification import ClassificationData
from lazyregime.data._draw import check_draw
from lazyregime.data._pca import check_pca, standardized
from lazyregime.data.arguments import MOST_SEED, whole
from lazyregime.data.fetching.image_set import ImageSet
from lazyregime.data.fetching.obtain import Log

Groups = tuple[tuple[int, ...], tuple[int, ...]]  # the classes in class 1, and in class 0


class ImageSource(NamedTuple):
    """What loads a set of images, and what the set is."""

    load: Callable[..., ClassificationData]
    image_set: Callable[[], ImageSet]


SOURCES: dict[str, ImageSource] = {
    "mnist": ImageSource(_mnist.mnist, lambda: _mnist.MNIST),
    "fashion_mnist": ImageSource(_mnist.fashion_mnist, lambda: _mnist.FASHION_MNIST),
    "cifar10": ImageSource(_cifar10.cifar10, lambda: _cifar10.CIFAR10),
}


def check_sets(
    image_set: ImageSet, counts: Sequence[int], *, components: Any, pca: Any, n_test: Any, n_kernel: Any, n_train: Any,
    **seeds: Any,
) -> None:  # fmt: skip
    """Refuse points that cannot be made of the set's images, seeds that are none, and sets that are too large.

    Args:
        image_set: Where the images come from.
        counts: Images of each class from which equally many are drawn.
        components: As for `parity`, like all that follow.
        pca: As for `parity`.
        n_test: As for `parity`.
        n_kernel: As for `parity`.
        n_train: As for `parity`.
        seeds: By their names.

    Raises:
        LazyRegimeError: Saying what is possible.
    """
    channels, height, width = image_set.shape
    check_pca(channels * height * width, components, pca)
    for name, seed in seeds.items():
        whole(name, seed, 0, MOST_SEED)
    check_draw(counts, {"n_test": n_test, "n_kernel": n_kernel, "n_train": n_train})


def binary_problem(name: str, inputs: Tensor, labels: Tensor, sets: list[Tensor]) -> ClassificationData:
    """Of these points those of the test, kernel and training set."""
    test, kernel, train = sets
    return ClassificationData(
        name=name,
        train_inputs=inputs[train], train_labels=labels[train],
        validation_inputs=inputs[:0], validation_labels=labels[:0],
        test_inputs=inputs[test], test_labels=labels[test],
        n_outputs=1, mean=0.0, std=None,
        kernel_inputs=inputs[kernel], kernel_labels=labels[kernel],
    )  # fmt: skip


@functools.lru_cache(maxsize=1)  # the runs of a sweep in one process share it
def pooled(
    source: str,
    data_dir: str | PathLike[str],
    groups: Groups | None,
    components: int | None,
    pca: str | None,
    offline: bool,
    log: Log | None,
) -> tuple[Tensor, Tensor]:
    """All images as points, and their classes: the set's own, or 1 and 0 of two groups, which leaves out the others.

    Centre and components are those of the images that are kept, from x/255.
    """
    data = SOURCES[source].load(data_dir=data_dir, normalization="pixels", offline=offline, log=log)
    images, classes = torch.cat([data.train_inputs, data.test_inputs]), torch.cat([data.train_labels, data.test_labels])
    if groups is not None:
        first, second = (torch.isin(classes, torch.tensor(side)) for side in groups)
        chosen = first | second
        images, classes = images[chosen], first[chosen].long()
    return standardized(images, components, pca), classes
