"""Means over pixels of kernels of equal pixels (n, m, h, w), and of all pairs of pixels (n, m, h, w, h', w')."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch.nn.functional as F
from torch import Tensor

from lazyregime.errors import LazyRegimeError


@final
@dataclass(frozen=True)
class Patches:
    """The mean over a k x k window around each pixel; of pairs of pixels, over windows that move together."""

    size: int
    padding: int
    stride: int = 1

    def check(self, shape: Sequence[int]) -> None:
        """Refuses images that are smaller than a window.

        Raises:
            LazyRegimeError: With both sizes.
        """
        height, width = shape[2] + 2 * self.padding, shape[3] + 2 * self.padding
        if min(height, width) < self.size:
            raise LazyRegimeError(
                f"Convolutions of size {self.size} leave nothing of {shape[2]} x {shape[3]} pixels; use fewer, smaller "
                'ones or padding="same".'
            )

    def __call__(self, kernel: Tensor) -> Tensor:
        """Averages; padding counts as zeros."""
        p = self.padding
        if kernel.ndim == 6:
            padded = F.pad(kernel, (p,) * 8) if p else kernel
            return self._along(self._along(padded, (2, 4)), (3, 5)).div_(self.size**2)
        if self.stride == 1 and p and 2 * p + 1 == self.size:
            return _same(_same(kernel, 2, p), 3, p).div_(self.size**2)
        padded = F.pad(kernel, (p,) * 4) if p else kernel
        return self._along(self._along(padded, (2,)), (3,)).div_(self.size**2)

    def _along(self, kernel: Tensor, axes: tuple[int, ...]) -> Tensor:
        length = kernel.shape[axes[0]] - self.size + 1

        def shifted(shift: int) -> Tensor:
            view = kernel
            for axis in axes:
                view = view.narrow(axis, shift, length)
                if self.stride > 1:
                    view = view[(slice(None),) * axis + (slice(None, None, self.stride),)]
            return view

        total = shifted(0).clone()
        for shift in range(1, self.size):
            total += shifted(shift)
        return total


def _same(kernel: Tensor, axis: int, reach: int) -> Tensor:
    """The sum over windows along an axis, beyond whose ends there are zeros, in the memory layout of the kernel."""
    total, length = kernel.clone(), kernel.shape[axis]
    for shift in range(1, min(reach, length - 1) + 1):
        rest = length - shift
        total.narrow(axis, shift, rest).add_(kernel.narrow(axis, 0, rest))
        total.narrow(axis, 0, rest).add_(kernel.narrow(axis, shift, rest))
    return total


def all_pixels(kernel: Tensor) -> Tensor:
    """The mean over equal pixels: what a unit that sees them all sums."""
    return diagonal_pixels(kernel).mean((2, 3))


def diagonal_pixels(kernel: Tensor) -> Tensor:
    """Of all pairs of pixels the equal ones, (n, m, h, w), as a view; other kernels as they are."""
    if kernel.ndim < 6:
        return kernel
    return kernel.diagonal(dim1=2, dim2=4).diagonal(dim1=2, dim2=3)


def pool(kernel: Tensor, size: int | None, stride: int | None) -> Tensor:
    """The mean over windows of the first and of the second image's pixels, each on its own.

    Raises:
        LazyRegimeError: If the images are smaller than a window.
    """
    if size is None:
        return kernel.mean((2, 3, 4, 5))
    n, m, h, w, h2, w2 = kernel.shape
    if min(h, w, h2, w2) < size:
        raise LazyRegimeError(f"Windows of size {size} do not fit into {h} x {w} pixels; use smaller ones.")
    first = F.avg_pool2d(kernel.permute(0, 1, 4, 5, 2, 3).reshape(n * m * h2 * w2, 1, h, w), size, stride)
    h, w = first.shape[2:]
    second = first.reshape(n, m, h2, w2, h, w).permute(0, 1, 4, 5, 2, 3).reshape(n * m * h * w, 1, h2, w2)
    second = F.avg_pool2d(second, size, stride)
    return second.reshape(n, m, h, w, *second.shape[2:])
