"""A classification problem from images of bytes: chosen first, then (x/255 - mean)/std, so that memory holds less."""

from typing import Any, Unpack

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.data._split import SplitArguments, check_split, split
from lazyregime.data.arguments import one_of
from lazyregime.data.fetching.image_set import ImageSet, Moments

Labelled = tuple[Tensor, Tensor]  # images as bytes (n, c, h, w), and their classes (n,)


def check_images(image_set: ImageSet, *, normalization: Any, **given: Any) -> None:
    """Refuse what the set cannot give, without loading it.

    Raises:
        LazyRegimeError: If a number is out of range, or a word is not known.
    """
    names = list(image_set.normalizations)
    one_of("normalization", normalization, names, or_none=names[0])
    check_split(image_set.num_train, image_set.num_test, **given)


def classification(
    name: str,
    image_set: ImageSet,
    train: Labelled,
    test: Labelled,
    *,
    normalization: str | None,
    **given: Unpack[SplitArguments],
) -> ClassificationData:
    """Split, then normalize."""
    (pixels, labels), (test_pixels, test_labels) = train, test
    trained, held_out, tested = split(len(labels), len(test_labels), **given)
    mean, std = image_set.moments(normalization)
    return ClassificationData(
        name=name,
        train_inputs=normalize(pixels[trained], mean, std), train_labels=labels[trained].long(),
        validation_inputs=normalize(pixels[held_out], mean, std), validation_labels=labels[held_out].long(),
        test_inputs=normalize(test_pixels[tested], mean, std), test_labels=test_labels[tested].long(),
        n_outputs=len(image_set.class_counts), mean=mean, std=std,
    )  # fmt: skip


def normalize(pixels: UInt8[Tensor, "n c h w"], mean: Moments, std: Moments) -> Float[Tensor, "n c h w"]:
    """(x/255 - mean)/std in float32, in the order of operations of torchvision's ToTensor and Normalize."""
    return pixels.to(torch.float32).div_(255).sub_(_channels(mean)).div_(_channels(std))


def _channels(value: Moments) -> Float[Tensor, "*c"]:
    moments = torch.tensor(value, dtype=torch.float32)
    return moments[:, None, None] if moments.ndim else moments
