"""Data of one's own as a `ClassificationData`; what cannot be meant is refused in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lazyregime.data._classification import ClassificationData
from lazyregime.data._own_labels import labels_of
from lazyregime.data._own_samples import Samples, samples_of
from lazyregime.errors import LazyRegimeError

_FORMS = (
    "give (x, y, x_test, y_test), the same with x_validation, y_validation before the test set, a pair (train, test) "
    "or a triple (train, validation, test) of torch Datasets, DataLoaders or pairs (x, y), a dict with the keys train, "
    "test, and perhaps validation and class_weights, or a ClassificationData"
)
_NAMES = {"train": "training", "validation": "validation", "test": "test"}


class _Given(NamedTuple):
    splits: dict[str, Any]
    class_weights: Any = None


def from_user(value: Any, *, name: str = "own", origin: str = "the data") -> ClassificationData:
    """What a user has as data, in whichever of the usual forms, checked.

    Inputs may be tensors, numpy arrays or lists. Bytes become real numbers, unscaled; other whole numbers stay whole,
    as tokens. What labels are follows from their type and shape:

    ==================================  ==================================================
    whole numbers (n,)                  classes 0, 1, ..; one output each
    true and false (n,), 0 and 1 (n, 1)  two classes; a single output, whose sign decides
    whole numbers 0 and 1 (n, k)        several labels a sample; k outputs
    real numbers (n,) or (n, k)         targets of a regression; k outputs
    ==================================  ==================================================

    Args:
        value: (x, y, x_test, y_test); or with x_validation, y_validation before the test set; or (train, test) or
            (train, validation, test), each a torch Dataset, a DataLoader or a pair (x, y); or a mapping with these
            names, and perhaps class_weights, one number >= 0 a class; or a `ClassificationData`.
        name: What the data are called.
        origin: Where they come from, for messages.

    Raises:
        LazyRegimeError: Saying what is wrong with them.

    >>> data = from_user(([[0.0], [1.0], [2.0]], [0, 1, 2], [[1.5]], [1]))
    >>> data.n_outputs, data.train_inputs.shape
    (3, torch.Size([3, 1]))
    """
    if isinstance(value, ClassificationData):
        return value
    given = _given(value, origin)
    samples = {split: samples_of(part, f"{origin}: the {_NAMES[split]} set") for split, part in given.splits.items()}
    _check_alike({split: part.inputs for split, part in samples.items()}, origin)
    labels, n_outputs = labels_of({split: part.labels for split, part in samples.items()}, origin)
    x, x_test = samples["train"].inputs, samples["test"].inputs
    held_out = samples.get("validation", Samples(x[:0], labels["train"][:0]))
    return ClassificationData(
        name=name,
        train_inputs=x, train_labels=labels["train"],
        validation_inputs=held_out.inputs, validation_labels=labels.get("validation", labels["train"][:0]),
        test_inputs=x_test, test_labels=labels["test"],
        n_outputs=n_outputs, mean=0.0, std=None,
        class_weights=_class_weights(given.class_weights, labels["train"], n_outputs, origin),
    )  # fmt: skip


def shapes_of(data: ClassificationData) -> dict[str, int | None]:
    """What architectures ask of data, None where there is no such thing.

    in_channels and image_size of square images (n, c, s, s); in_features of real numbers; num_tokens and
    sequence_length of whole ones (n, t); n_outputs.
    """
    inputs = [data.train_inputs, data.validation_inputs, data.test_inputs]
    shape, is_real = inputs[0].shape[1:], inputs[0].is_floating_point()
    is_image, is_sequence = len(shape) == 3 and is_real, len(shape) == 1 and not is_real
    return {
        "in_channels": shape[0] if is_image else None,
        "image_size": shape[1] if is_image and shape[1] == shape[2] else None,
        "in_features": shape.numel() if is_real else None,
        "num_tokens": 1 + max(int(x.max()) for x in inputs if len(x)) if is_sequence else None,
        "sequence_length": shape[0] if is_sequence else None,
        "n_outputs": data.n_outputs,
    }


def _given(value: Any, origin: str) -> _Given:
    """The parts, by name."""
    if isinstance(value, Mapping):
        unknown = set(value) - {*_NAMES, "class_weights"}
        if unknown or not {"train", "test"} <= set(value):
            raise LazyRegimeError(f"{origin} is a dict with the keys {', '.join(map(str, value))}; {_FORMS}.")
        splits = {split: value[split] for split in _NAMES if value.get(split) is not None}
        return _Given(splits, value.get("class_weights"))
    if isinstance(value, Dataset | DataLoader):
        raise LazyRegimeError(f"{origin} is one {type(value).__name__}, and the test set is missing; {_FORMS}.")
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise LazyRegimeError(f"{origin} is a {type(value).__name__}; {_FORMS}.")
    parts = list(value)
    if len(parts) in (4, 6) and not any(isinstance(part, Dataset | DataLoader) for part in parts):
        parts = list(zip(parts[::2], parts[1::2], strict=True))
    elif len(parts) not in (2, 3) or not all(_is_split(part) for part in parts):
        kinds = ", ".join(type(part).__name__ for part in parts[:8])
        raise LazyRegimeError(f"{origin} is a {type(value).__name__} of {len(parts)} ({kinds}); {_FORMS}.")
    names = ("train", "test") if len(parts) == 2 else ("train", "validation", "test")
    return _Given(dict(zip(names, parts, strict=True)))


def _is_split(part: Any) -> bool:
    return isinstance(part, Dataset | DataLoader) or (isinstance(part, tuple) and len(part) == 2)


def _check_alike(inputs: Mapping[str, Tensor], origin: str) -> None:
    """All sets have inputs of one shape and type."""
    train = inputs["train"]
    for split, x in inputs.items():
        if x.shape[1:] != train.shape[1:] or x.dtype != train.dtype:
            told = [f"{str(t.dtype).removeprefix('torch.')} of shape {tuple(t.shape[1:])}" for t in (train, x)]
            raise LazyRegimeError(
                f"{origin}: a training input is {told[0]}, one of the {_NAMES[split]} set {told[1]}; make them alike."
            )


def _class_weights(value: Any, labels: Tensor, n_outputs: int, origin: str) -> Float[Tensor, " c"] | None:
    if value is None:
        return None
    if labels.is_floating_point() or labels.ndim == 2:
        raise LazyRegimeError(f"{origin}: class_weights belong to classes, one a sample, which these labels are not.")
    weights, classes = torch.as_tensor(value, dtype=torch.float64), max(n_outputs, 2)
    if weights.shape != (classes,) or not bool(weights.isfinite().all() & (weights >= 0).all() & (weights > 0).any()):
        raise LazyRegimeError(
            f"{origin}: class_weights={weights.tolist()} is not possible; give {classes} numbers >= 0, one a class."
        )
    return weights
