"""Even against odd: x <- (x - mean over the data set), to d principal components, then each to norm sqrt(d) [GSJW20].

Test, kernel and training sets are disjoint, drawn in this order from the training and test images together, each with
a seed of its own, and hold equally many of every class; class 1 (y = +1) are the even numbers, class 0 (-1) the odd.
"""

import functools
import math
from collections.abc import Callable
from os import PathLike

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lazyregime.data._cifar10 import cifar10
from lazyregime.data._classification import ClassificationData
from lazyregime.data._mnist import fashion_mnist, mnist
from lazyregime.data.fetching.obtain import Log
from lazyregime.errors import LazyRegimeError

_SOURCES: dict[str, Callable[..., ClassificationData]] = {
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
}


def parity(
    *,
    data_dir: str | PathLike[str],
    source: str = "mnist",
    components: int | None = 10,
    n_train: int = 1000,
    n_test: int = 2000,
    n_kernel: int = 100,
    train_seed: int = 0,
    test_seed: int = 0,
    kernel_seed: int = 0,
    offline: bool = False,
    log: Log | None = None,
) -> ClassificationData:
    """The parity of the class number of images.

    Args:
        data_dir: The folder of data sets, in torchvision's layout.
        source: mnist, fashion_mnist or cifar10.
        components: Principal components kept; None keeps the images as they are.
        n_train: Training points.
        n_test: Test points.
        n_kernel: Points on which kernels are compared; none of them is in the other sets.
        train_seed: Draws the training points from what test and kernel set leave.
        test_seed: Draws the test points.
        kernel_seed: Draws the kernel points from what the test set leaves.
        offline: Never use the network.
        log: Told in a line what is being fetched.

    Raises:
        LazyRegimeError: If the source is unknown, or there are too few images or components.
    """
    if source not in _SOURCES:
        raise LazyRegimeError(f"data.source={source!r} is not known; choose one of {', '.join(_SOURCES)}.")
    inputs, classes = _pooled(source, str(data_dir), components, offline, log)
    sizes = {"n_test": n_test, "n_kernel": n_kernel, "n_train": n_train}
    test, kernel, train = draw(classes, sizes, (test_seed, kernel_seed, train_seed))
    labels = 1 - classes % 2
    return ClassificationData(
        name=f"{source}_parity",
        train_inputs=inputs[train], train_labels=labels[train],
        validation_inputs=inputs[:0], validation_labels=labels[:0],
        test_inputs=inputs[test], test_labels=labels[test],
        n_outputs=1, mean=0.0, std=None,
        kernel_inputs=inputs[kernel], kernel_labels=labels[kernel],
    )  # fmt: skip


def draw(classes: Int[Tensor, " n"], sizes: dict[str, int], seeds: tuple[int, ...]) -> list[Int[Tensor, " m"]]:
    """Disjoint sets of indices with equally many of every class (one more of the first ones where it does not divide).

    Raises:
        LazyRegimeError: If a class runs out.
    """
    groups = [torch.where(classes == c)[0] for c in classes.unique().tolist()]
    sets: list[Tensor] = []
    for (name, size), seed in zip(sizes.items(), seeds, strict=True):
        generator = torch.Generator().manual_seed(seed)
        groups = [group[torch.randperm(len(group), generator=generator)] for group in groups]
        counts = [size // len(groups) + (i < size % len(groups)) for i in range(len(groups))]
        if size < 1 or any(count > len(group) for count, group in zip(counts, groups, strict=True)):
            raise LazyRegimeError(
                f"data.{name}={size} is not possible: of {len(classes)} images in {len(groups)} classes the sets "
                f"{', '.join(sizes)} are drawn apart, equally from each class; give at least 1, and fewer in all."
            )
        taken = [group[:count] for count, group in zip(counts, groups, strict=True)]
        # class by class in turn, so that the first points of a set are balanced too
        ranks = torch.cat([torch.arange(len(t)) for t in taken])
        sets.append(torch.cat(taken)[torch.argsort(ranks, stable=True)])
        groups = [group[count:] for count, group in zip(counts, groups, strict=True)]
    return sets


def standardized(images: Float[Tensor, "n *d"], components: int | None) -> Float[Tensor, "n *p"]:
    """Centred, projected on the leading principal components if asked for, and scaled to norm sqrt(d).

    Raises:
        LazyRegimeError: If there are fewer pixels than components.
    """
    centred = images - images.mean(0, dtype=torch.float64).to(images.dtype)
    if components is not None:
        flat = centred.flatten(1)
        if not 1 <= components <= flat.shape[1]:
            raise LazyRegimeError(f"data.components={components} is not possible; give 1 to {flat.shape[1]}, or null.")
        centred = flat @ principal(flat, components).to(flat.dtype)
    size = math.sqrt(centred[0].numel())
    norms = centred.flatten(1).norm(dim=1).view(-1, *[1] * (centred.ndim - 1))
    return centred * (size / norms)


def principal(centred: Float[Tensor, "n d"], components: int) -> Float[Tensor, "d p"]:
    """The leading eigenvectors of the covariance, each with its largest entry positive, so that they are unique."""
    covariance = centred.new_zeros(centred.shape[1], centred.shape[1], dtype=torch.float64)
    for part in centred.split(10_000):
        covariance += part.T @ part  # sums of float32 products over parts, added up in float64
    vectors = torch.linalg.eigh(covariance)[1].flip(1)[:, :components]
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return vectors * largest.sign()


@functools.lru_cache(maxsize=1)  # the runs of a sweep in one process share it
def _pooled(
    source: str, data_dir: str, components: int | None, offline: bool, log: Log | None
) -> tuple[Tensor, Tensor]:
    """All images, standardized, and their classes."""
    data = _SOURCES[source](data_dir=data_dir, offline=offline, log=log)
    images = torch.cat([data.train_inputs, data.test_inputs])
    return standardized(images, components), torch.cat([data.train_labels, data.test_labels])
