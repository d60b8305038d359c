"""The samples of one set, from a torch Dataset, a DataLoader or a pair (x, y), as tensors."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler, SequentialSampler, default_collate

from lazyregime.errors import LazyRegimeError


class Samples(NamedTuple):
    """Inputs (n, ..) and labels as they were given, (n,) or (n, k)."""

    inputs: Tensor
    labels: Tensor


def samples_of(part: Any, origin: str) -> Samples:
    """The samples, in the order of the data set, also where a loader shuffles them.

    Raises:
        LazyRegimeError: If they are none, or their inputs cannot be used.
    """
    if isinstance(part, DataLoader):
        part = _from_loader(part, origin)
    elif isinstance(part, Dataset):
        part = _from_dataset(part, default_collate, origin)
    if not isinstance(part, tuple | list) or len(part) != 2:
        raise LazyRegimeError(
            f"{origin} is a {type(part).__name__}; give a pair (x, y), a torch Dataset or a DataLoader."
        )
    x, y = _tensor(part[0], f"{origin}'s inputs"), _tensor(part[1], f"{origin}'s labels")
    if x.ndim < 2:
        raise LazyRegimeError(
            f"{origin}'s inputs have shape {tuple(x.shape)}; give (n, ..), a row a sample, such as x[:, None]."
        )
    if y.ndim == 0 or len(x) != len(y):
        count = len(y) if y.ndim else "one"
        raise LazyRegimeError(f"{origin} has {len(x)} inputs and {count} labels; give one label a sample.")
    if not len(x):
        raise LazyRegimeError(f"{origin} has no samples; give at least one.")
    return Samples(_inputs(x, origin), y)


def check_finite(x: Tensor, origin: str) -> None:
    """Refuse numbers that are none.

    Raises:
        LazyRegimeError: Naming the first sample that has one.
    """
    if x.is_floating_point() and not bool(x.isfinite().all()):
        bad = torch.where(~x.isfinite().flatten(1).all(1))[0]
        raise LazyRegimeError(
            f"{origin} are not all finite: {len(bad)} of {len(x)} samples have nan or inf, the first is number "
            f"{int(bad[0])} (from 0); mend or leave out these."
        )


def _inputs(x: Tensor, origin: str) -> Tensor:
    """Real numbers of 32 bits or more, or tokens."""
    check_finite(x, f"{origin}'s inputs")
    if x.is_floating_point():
        return x.float() if x.element_size() < 4 else x
    return x.float() if x.dtype in (torch.uint8, torch.bool) else x.long()


def _tensor(value: Any, what: str) -> Tensor:
    """A dense tensor on the processor, detached and of real or whole numbers."""
    if isinstance(value, Tensor):
        tensor = value.detach()
    else:
        try:
            tensor = torch.from_numpy(np.ascontiguousarray(value))
        except (TypeError, ValueError) as error:
            kind = getattr(getattr(value, "dtype", None), "name", type(value).__name__)
            raise LazyRegimeError(
                f"{what} ({kind}) are no array of numbers ({error}); turn words into numbers, rows into one length."
            ) from error
    if tensor.is_complex() or tensor.layout != torch.strided:
        kind = "complex" if tensor.is_complex() else "sparse"
        raise LazyRegimeError(f"{what} are {kind}; give a dense array of real or whole numbers.")
    return tensor.cpu()


def _from_loader(loader: "DataLoader[Any]", origin: str) -> Any:
    """All samples of a loader: in the order of its data set where it takes each once, else those of one pass."""
    whole = type(loader.sampler) is SequentialSampler or (
        type(loader.sampler) is RandomSampler
        and not loader.sampler.replacement
        and loader.sampler.num_samples == len(loader.sampler.data_source)
    )
    if whole and not isinstance(loader.dataset, IterableDataset):
        return _from_dataset(loader.dataset, loader.collate_fn, origin)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # whatever was drawn before, these are the same samples
        return _joined(loader, origin)


def _from_dataset(dataset: "Dataset[Any]", collate: Callable[[Any], Any], origin: str) -> Any:
    """All samples, in order."""
    if isinstance(dataset, torch.utils.data.TensorDataset) and len(dataset.tensors) == 2:
        return dataset.tensors
    if isinstance(dataset, IterableDataset):
        batches: Iterable[Any] = (collate([sample]) for sample in dataset)
        return _joined(batches, origin)
    size = getattr(dataset, "__len__", None)
    if size is None:
        raise LazyRegimeError(f"{origin} is a Dataset without a length; give it __len__.")
    try:
        return _joined((collate([dataset[i]]) for i in range(size())), origin)
    except TypeError as error:
        raise LazyRegimeError(
            f"{origin}: a sample of the Dataset cannot be made a tensor ({str(error).splitlines()[0]}); let it give "
            "pairs of a tensor and a label, images by transform=ToTensor()."
        ) from error


def _joined(batches: Iterable[Any], origin: str) -> Any:
    """The batches (x, y), one after the other."""
    inputs: list[Tensor] = []
    labels: list[Tensor] = []
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise LazyRegimeError(f"{origin} gives a {type(batch).__name__} a sample; let it give pairs (x, y).")
        inputs.append(torch.as_tensor(batch[0]))
        labels.append(torch.as_tensor(batch[1]))
    if not inputs:
        raise LazyRegimeError(f"{origin} has no samples; give at least one.")
    try:
        return torch.cat(inputs), torch.cat(labels)
    except RuntimeError as error:
        raise LazyRegimeError(f"{origin}'s samples have different shapes ({error}); make them alike.") from error
