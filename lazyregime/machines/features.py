r"""phi(x) in R^p, drawn once and for all by a seed: a kernel <phi(x), phi(x')> whose features can be had in parts.

Features are made block by block and forgotten, so that p may be far larger than memory.
"""

from abc import abstractmethod
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel
from lazyregime.solve import rounding

BLOCK = 1024  # units drawn together: their weights come from (seed, block), so more units leave the first as they are
STAND_IN = 16 * BLOCK  # units of the features that stand in for more of them


class AbstractFeatures(AbstractKernel):
    """A feature map; everything about its kernel follows from `parts`."""

    @abstractmethod
    def count(self, d: int) -> int:
        """P for inputs of dimension d."""

    @abstractmethod
    def parts(self, x: Float[Tensor, "n d"]) -> Iterator[Float[Tensor, "n _"]]:
        """phi(x) in blocks of columns, in order."""

    def stand_ins(self) -> tuple[AbstractKernel, ...]:
        """Kernels that cost less and whose sum is close to this one; conjugate gradients are preconditioned by it."""
        return (self,)

    def features(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n p"]:
        """phi(x) whole: n p numbers."""
        return torch.cat(list(self.parts(x)), 1)

    def cross(self, x1: Float[Tensor, "n d"], x2: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
        """<phi(x1), phi(x2)>, summed in float64 over blocks of features."""
        total = torch.zeros(len(x1), len(x2), dtype=torch.float64, device=x1.device)
        for a, b in zip(self.parts(x1), self.parts(x2), strict=True):
            total += a @ b.T
        return total

    def gram(self, x: Tensor) -> Tensor:
        """<phi(x), phi(x)>, (n, n) in float64; the features are never all there."""
        total = torch.zeros(len(x), len(x), dtype=torch.float64, device=x.device)
        for a in self.parts(x):
            add_outer(total, a)
        return mirror(total)

    def apply(self, x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:
        """phi(x1) (phi(x2)^T c): two thin products, the kernel is not formed."""
        total = torch.zeros(len(x1), coefficients.shape[1], dtype=torch.float64, device=x1.device)
        for a, b in self._blocks(x1, x2):
            total += a @ (b.T @ coefficients.to(b))
        return total

    def _blocks(self, x1: Tensor, x2: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """phi(x1) and phi(x2) by columns, made once where the inputs are the same, as in conjugate gradients."""
        if x1 is x2:
            return ((a, a) for a in self.parts(x1))
        return zip(self.parts(x1), self.parts(x2), strict=True)

    def num_coupled(self, x: Tensor) -> None:
        """The same kernel for all outputs."""
        return None

    def gram_accuracy(self, x: Tensor) -> float:
        """The rounding of the samples' dtype, in which features are made and multiplied."""
        return rounding(x.dtype)


def add_outer(total: Tensor, a: Tensor, step: int = 2048) -> None:
    """Total += A A^T on and above the diagonal, by blocks of rows; half the work of the product."""
    for i in range(0, len(a), step):
        total[i : i + step, i:] += a[i : i + step] @ a[i:].T


def mirror(total: Tensor, step: int = 2048) -> Tensor:
    """The lower triangle made equal to the upper one, in place."""
    for i in range(0, len(total), step):
        total[i + step :, i : i + step] = total[i : i + step, i + step :].T
        square = total[i : i + step, i : i + step]
        square.copy_(square.triu() + square.triu(1).T)
    return total


def check_units(num_features: int, seed: int) -> None:
    """Refuses counts and seeds that cannot be.

    Raises:
        LazyRegimeError: Saying what is allowed.
    """
    if num_features < 1:
        raise LazyRegimeError(f"num_features is {num_features}; give at least 1.")
    if not 0 <= seed < 2**31:
        raise LazyRegimeError(f"The seed of the features is {seed}; give a whole number from 0 to {2**31 - 1}.")
