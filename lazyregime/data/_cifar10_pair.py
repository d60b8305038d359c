"""Two groups of CIFAR-10's classes against one another: class 1 is y = +1, class 0 is y = -1 [GSJW20].

animals      vehicles (1) against animals (0)
cat_plane    planes (1) against cats (0), also the classes of [GMMM20]'s CIFAR-2
cat_dog      cats (1) against dogs (0)
ship_bird    birds (1) against ships (0)
"""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from lazyregime.data import _cifar10
from lazyregime.data._binary import Groups, binary_problem, check_sets, pooled
from lazyregime.data._classification import ClassificationData
from lazyregime.data._draw import draw
from lazyregime.data.arguments import checked_by, one_of
from lazyregime.data.fetching.obtain import Log

# CIFAR-10's classes in class 1, and in class 0: plane, car, bird, cat, deer, dog, frog, horse, ship, truck are 0, .., 9
PAIRS: Mapping[str, Groups] = {
    "animals": ((0, 1, 8, 9), (2, 3, 4, 5, 6, 7)),
    "cat_plane": ((0,), (3,)),
    "cat_dog": ((3,), (5,)),
    "ship_bird": ((2,), (8,)),
}


def _check(*, pair: Any, data_dir: object, offline: object, log: object, **given: Any) -> None:
    one_of("pair", pair, list(PAIRS))
    image_set = _cifar10.CIFAR10
    counts = [sum(image_set.class_counts[c] for c in side) for side in reversed(PAIRS[pair])]
    check_sets(image_set, counts, **given)


@checked_by(_check)
def cifar10_pair(
    *,
    data_dir: str | PathLike[str],
    pair: str = "animals",
    components: int | None = None,
    pca: str | None = None,
    n_train: int = 1000,
    n_test: int = 2000,
    n_kernel: int = 100,
    train_seed: int = 0,
    test_seed: int = 0,
    kernel_seed: int = 0,
    offline: bool = False,
    log: Log | None = None,
) -> ClassificationData:
    """Two groups of CIFAR-10's classes against one another; other arguments as for `parity`.

    Centre and components are those of the images of the two groups.

    Args:
        data_dir: The folder of data sets.
        pair: animals, cat_plane, cat_dog or ship_bird.
        components: Principal components kept; None keeps the images as they are.
        pca: As for `parity`.
        n_train: Training points, half of them of each group; likewise the others.
        n_test: As for `parity`.
        n_kernel: As for `parity`.
        train_seed: As for `parity`.
        test_seed: As for `parity`.
        kernel_seed: As for `parity`.
        offline: Never use the network.
        log: Told in a line what is being fetched.

    Raises:
        LazyRegimeError: If a word is not known, or there are too few images or components.
    """
    inputs, labels = pooled("cifar10", str(data_dir), PAIRS[pair], components, pca, offline, log)
    sizes = {"n_test": n_test, "n_kernel": n_kernel, "n_train": n_train}
    return binary_problem(f"cifar10_{pair}", inputs, labels, draw(labels, sizes, (test_seed, kernel_seed, train_seed)))
