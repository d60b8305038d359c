"""What is to be solved, what was, and what cannot be: a matrix that does not fit, features of zero norm."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel
from lazyregime.kernels._tensors import rounding
from lazyregime.machines.features import AbstractFeatures
from lazyregime.machines.path import PathReport

_COPIES = 3  # of the matrix at the peak of a solve


@dataclass(frozen=True)
class Problem:
    """What is to be solved: samples (n, ..), targets (n, k), the ridges, and whether there is an intercept."""

    kernel: AbstractKernel
    samples: Tensor
    targets: Float[Tensor, "n k"]
    ridges: Sequence[float]
    intercept: bool

    @property
    def num_features(self) -> int | None:
        """The p of features; None for other kernels."""
        return self.kernel.count(self.samples.shape[1]) if isinstance(self.kernel, AbstractFeatures) else None

    @property
    def mean(self) -> Float[Tensor, " k"]:
        """Of the targets, where there is an intercept; else 0."""
        return self.targets.mean(0) if self.intercept else self.targets.new_zeros(self.targets.shape[1])

    @property
    def accuracy(self) -> float:
        """Of the kernel's entries."""
        return rounding(self.samples.dtype)


@dataclass(frozen=True)
class Fitted:
    """Coefficients of samples (dual) or features (primal) for each ridge, and the constants b."""

    problem: Problem
    coefficients: Float[Tensor, "r _ k"]
    offsets: Float[Tensor, "r k"]
    report: PathReport
    inverse_diagonals: Float[Tensor, "r n"] | None = None


def bytes_of(size: int | None) -> int:
    """Memory of a direct solve of this size."""
    return _COPIES * 8 * (size or 0) ** 2


def check_memory(form: str, size: int | None, budget: int) -> None:
    """Refuses a matrix that does not fit.

    Raises:
        LazyRegimeError: With both numbers and what to do.
    """
    if bytes_of(size) > budget:
        raise LazyRegimeError(
            f'solver="{form}" needs {bytes_of(size) / 2**30:.1f} GiB for a matrix of {size:,} rows, more than the '
            f'memory budget of {budget / 2**30:.1f} GiB; use solver="cg", fewer samples, or a larger memory_budget.'
        )


def check_norms(squares: Float[Tensor, " s"], ridges: Sequence[float]) -> None:
    """Refuses features of zero norm where they make the problem singular.

    Raises:
        LazyRegimeError: Naming how many.
    """
    zero = squares <= 0
    if bool(zero.all()):
        raise LazyRegimeError(
            "All features have zero norm, so there is nothing to fit with; check the inputs (all zero?) and the "
            "activation."
        )
    if bool(zero.any()) and 0 in ridges:
        raise LazyRegimeError(
            f"{int(zero.sum())} samples (the first is number {int(zero.nonzero()[0])}) have features of zero norm, so "
            "the kernel is singular at ridge 0; give a ridge, or drop those samples."
        )
