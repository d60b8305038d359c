"""The element at byte a of a storage belongs to sample (a // s) mod n: which dimension of a view counts the samples."""

from enum import Enum
from typing import NamedTuple, final

import torch


class View(NamedTuple):
    """A tensor as a trace keeps it: where it lies in which storage, numbered in the order of appearance."""

    storage: int
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.sizes)

    @property
    def numel(self) -> int:
        """The number of elements."""
        product = 1
        for size in self.sizes:
            product *= size
        return product


# What has no geometry (a sparse or nested tensor); nothing is known of it.
OPAQUE = -1


@final
class Kind(Enum):
    """What a tensor that does not count samples holds."""

    CONSTANT = "the same whatever the samples are"
    UNIFORM = "one number everywhere, or nothing yet"
    INDEX = "the numbers of the rows"
    MIXED = "of several samples, or of an order that is not known"


class Rows(NamedTuple):
    """Slice i is a function of sample i only: index j of dimension `dim` belongs to sample (j // inner) mod n."""

    dim: int
    inner: int = 1


Type = Kind | Rows


def bytes_a_sample(view: View, rows: Rows) -> int:
    """The s of a storage whose view counts samples so."""
    return view.strides[rows.dim] * rows.inner * view.dtype.itemsize


def rows_of(view: View, s: int, n: int) -> Rows | None:
    """How a view of a storage with s bytes a sample counts the samples, or None if it does not have all, in order."""
    itemsize = view.dtype.itemsize
    offset = view.offset * itemsize
    found: Rows | None = None
    reach = offset % s  # how far into the bytes of its sample an element lies at most
    for dim, (size, stride) in enumerate(zip(view.sizes, view.strides, strict=True)):
        step = stride * itemsize
        if size == 1 or step == 0:
            continue
        if step % (n * s) == 0:  # the same place of the same sample in a later part of the storage
            continue
        inner = s // step if s % step == 0 else 0
        if found is None and inner and size % (n * inner) == 0:
            found = Rows(dim, inner)
            reach += (inner - 1) * step
        else:
            reach += (size - 1) * step
    if found is None or reach + itemsize > s or offset // s % n:
        return None
    return found


def a_sample_of(view: View, kind: Type, s: int, n: int) -> tuple[object, ...]:
    """The geometry of one sample's part of a view: equal in two batches if and only if the same elements are meant."""
    sizes, strides, itemsize = list(view.sizes), list(view.strides), view.dtype.itemsize
    offset = view.offset
    if isinstance(kind, Rows):
        sizes[kind.dim] //= n
        strides = [
            stride if stride * itemsize < s or dim == kind.dim else stride // n for dim, stride in enumerate(strides)
        ]
        offset = (offset * itemsize) % s + (offset * itemsize) // (n * s) * s
    kept = tuple((size, stride if size > 1 else 0) for size, stride in zip(sizes, strides, strict=True))
    return (view.storage, kind, offset, kept, view.dtype)
