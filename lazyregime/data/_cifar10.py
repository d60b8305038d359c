"""CIFAR-10 where the user has it, in torchvision's layout: 50,000 and 10,000 images of 3 x 32 x 32 pixels.

torchvision checks the md5 of every file before it unpickles it. Nothing is downloaded.
"""

from os import PathLike
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.data._fetch import Log
from lazyregime.data._split import split
from lazyregime.data._torchvision import import_torchvision
from lazyregime.errors import LazyRegimeError

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)  # of the channels over 255, as [COB19]


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
    """CIFAR-10 in ten classes; arguments as for `mnist`, but it is never fetched, so `offline` changes nothing.

    Raises:
        LazyRegimeError: If it is not there, damaged, or a number is out of range.
    """
    train_inputs, train_labels = _read(Path(data_dir).expanduser(), train=True)
    test_inputs, test_labels = _read(Path(data_dir).expanduser(), train=False)
    held_out, kept, tested = split(
        len(train_labels), len(test_labels),
        n_train=n_train, n_validation=n_validation, n_test=n_test, data_seed=data_seed, subset=subset,
    )  # fmt: skip
    return ClassificationData(
        name="cifar10",
        train_inputs=train_inputs[~held_out][kept], train_labels=train_labels[~held_out][kept],
        validation_inputs=train_inputs[held_out], validation_labels=train_labels[held_out],
        test_inputs=test_inputs[tested], test_labels=test_labels[tested],
        n_outputs=10, mean=MEAN, std=STD,
    )  # fmt: skip


def _read(folder: Path, *, train: bool) -> tuple[Float[Tensor, "n 3 32 32"], Tensor]:
    import_torchvision()
    from torchvision.datasets import CIFAR10

    dataset: Any = CIFAR10
    try:
        split = dataset(root=str(folder), train=train, download=False)
    except RuntimeError as error:
        raise LazyRegimeError(
            f"CIFAR-10 is not in {folder}, or a file of it is damaged ({error}). Put torchvision's folder "
            "cifar-10-batches-py there, with data_dir=FOLDER, or use data=fashion_mnist."
        ) from error
    pixels = torch.from_numpy(split.data).permute(0, 3, 1, 2).to(torch.float32).div_(255)
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    return pixels.sub_(mean).div_(std), torch.tensor(split.targets, dtype=torch.int64)
