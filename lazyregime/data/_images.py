"""A classification problem from images of bytes: chosen first, then (x/255 - mean)/std, so that memory holds less."""

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.data._split import split

Moments = float | tuple[float, ...]


def classification(
    name: str,
    train: tuple[UInt8[Tensor, "n c h w"], UInt8[Tensor, " n"]],
    test: tuple[UInt8[Tensor, "m c h w"], UInt8[Tensor, " m"]],
    *,
    n_outputs: int,
    mean: Moments,
    std: Moments,
    n_train: int | None,
    n_validation: int,
    n_test: int | None,
    data_seed: int,
    subset: str | None,
) -> ClassificationData:
    """Split, then normalize; arguments as for `mnist`.

    Raises:
        LazyRegimeError: If a number is out of range.
    """
    (pixels, labels), (test_pixels, test_labels) = train, test
    held_out, kept, tested = split(
        len(labels), len(test_labels),
        n_train=n_train, n_validation=n_validation, n_test=n_test, data_seed=data_seed, subset=subset,
    )  # fmt: skip
    trained, validated = torch.where(~held_out)[0][kept], torch.where(held_out)[0]
    return ClassificationData(
        name=name,
        train_inputs=normalize(pixels[trained], mean, std), train_labels=_classes(labels[trained]),
        validation_inputs=normalize(pixels[validated], mean, std), validation_labels=_classes(labels[validated]),
        test_inputs=normalize(test_pixels[tested], mean, std), test_labels=_classes(test_labels[tested]),
        n_outputs=n_outputs, mean=mean, std=std,
    )  # fmt: skip


def normalize(pixels: UInt8[Tensor, "n c h w"], mean: Moments, std: Moments) -> Float[Tensor, "n c h w"]:
    """(x/255 - mean)/std in float32, in the order of operations of torchvision's ToTensor and Normalize."""
    return pixels.to(torch.float32).div_(255).sub_(_channels(mean)).div_(_channels(std))


def _channels(value: Moments) -> Float[Tensor, "*c"]:
    moments = torch.tensor(value, dtype=torch.float32)
    return moments[:, None, None] if moments.ndim else moments


def _classes(labels: UInt8[Tensor, " n"]) -> Int64[Tensor, " n"]:
    return labels.long()
