"""Even numbers (class 1, y = +1) against odd ones (class 0, y = -1), equally many of all ten classes [GSJW20]."""

from os import PathLike
from typing import Any

from lazyregime.data._binary import SOURCES, binary_problem, check_sets, pooled
from lazyregime.data._classification import ClassificationData
from lazyregime.data._draw import draw
from lazyregime.data.arguments import checked_by, one_of
from lazyregime.data.fetching.obtain import Log


def _check(*, source: Any, data_dir: object, offline: object, log: object, **given: Any) -> None:
    one_of("source", source, list(SOURCES))
    image_set = SOURCES[source].image_set()
    check_sets(image_set, image_set.class_counts, **given)


@checked_by(_check)
def parity(
    *,
    data_dir: str | PathLike[str],
    source: str = "mnist",
    components: int | None = 10,
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
    """The parity of the class number of images.

    Args:
        data_dir: The folder of data sets, in torchvision's layout.
        source: mnist, fashion_mnist or cifar10.
        components: Principal components kept; None keeps the images as they are.
        pca: points (None too), whitened or scaled: how components become points.
        n_train: Training points.
        n_test: Test points.
        n_kernel: Points on which kernels are compared; none of them is in the other sets.
        train_seed: Draws the training points from what test and kernel set leave.
        test_seed: Draws the test points.
        kernel_seed: Draws the kernel points from what the test set leaves.
        offline: Never use the network.
        log: Told in a line what is being fetched.

    Raises:
        LazyRegimeError: If a word is not known, or there are too few images or components.
    """
    inputs, classes = pooled(source, str(data_dir), None, components, pca, offline, log)
    sizes = {"n_test": n_test, "n_kernel": n_kernel, "n_train": n_train}
    sets = draw(classes, sizes, (test_seed, kernel_seed, train_seed))
    return binary_problem(f"{source}_parity", inputs, 1 - classes % 2, sets)
