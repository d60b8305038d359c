"""What is to be solved, what was, and what cannot be: a matrix that does not fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel
from lazyregime.machines.features import AbstractFeatures
from lazyregime.solve import SolveReport, rounding

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
        """Of the kernel's entries, as far as it is known; else of the samples."""
        return self.kernel.gram_accuracy(self.samples) or rounding(self.samples.dtype)


@dataclass(frozen=True)
class Fitted:
    """For each ridge the coefficients of samples (dual) or features (primal), the jitter of the diagonal, and b.

    Attributes:
        inverse_diagonals: Of the samples' kernel, for leave-one-out in the dual.
        second_moment: Of features, centred with an intercept, for leave-one-out in the primal; None where it is large.
        feature_mean: Of the samples; 0 without an intercept.
    """

    problem: Problem
    coefficients: Float[Tensor, "r _ k"]
    jitters: Sequence[float]
    offsets: Float[Tensor, "r k"]
    report: SolveReport
    inverse_diagonals: Float[Tensor, "r n"] | None = None
    second_moment: Float[Tensor, "p p"] | None = None
    feature_mean: Float[Tensor, " p"] | None = None

    @property
    def has_leave_one_out(self) -> bool:
        """Whether it tells what a fit without a sample predicts for it."""
        return self.inverse_diagonals is not None or self.second_moment is not None

    @property
    def shifts(self) -> list[float]:
        """What is on the diagonal in all."""
        return [r + j for r, j in zip(self.problem.ridges, self.jitters, strict=True)]


def bytes_of(size: int | None) -> int:
    """Memory of a direct solve of this size."""
    return _COPIES * 8 * (size or 0) ** 2


def check_memory(form: str, size: int | None, budget: int) -> None:
    """Refuses a matrix that does not fit.

    Raises:
        LazyRegimeError: With both numbers and what to do.
    """
    if bytes_of(size) > budget:
        rows = math.isqrt(budget // (8 * _COPIES))
        raise LazyRegimeError(
            f'solver="{form}" needs {bytes_of(size) / 2**30:.1f} GiB for a matrix of {size:,} rows, more than the '
            f"memory budget of {budget / 2**30:.1f} GiB, in which {rows:,} rows fit; use "
            f'solver="cg", fewer samples, or a larger memory_budget.'
        )
