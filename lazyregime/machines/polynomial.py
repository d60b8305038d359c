r"""K(x, x') = (c + <x, x'>/sqrt(d))^p: linear, quadratic and polynomial regression, as [GMMM20] has them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel
from lazyregime.kernels.kernel import apply_by_rows
from lazyregime.machines.features import AbstractFeatures
from lazyregime.solve import rounding

_PART = 4096  # columns made together


@final
@dataclass(frozen=True)
class PolynomialFeatures(AbstractFeatures):
    """Degree 1 or 2 with explicit features: 1, x_i and, for degree 2, x_i x_j with i <= j.

    Attributes:
        degree: 1 (linear) or 2 (quadratic).
        constant: c; with 0 only the highest degree is there.
    """

    degree: int = 1
    constant: float = 1.0

    def __post_init__(self) -> None:
        if self.degree not in (1, 2):
            raise LazyRegimeError(
                f"Explicit features have degree 1 or 2; got {self.degree}. Use PolynomialKernel for higher degrees."
            )
        _check_constant(self.constant)

    def count(self, d: int) -> int:  # noqa: D102
        return math.comb(d + self.degree, self.degree)

    def parts(self, x: Tensor) -> Iterator[Tensor]:  # noqa: D102
        z = torch.cat([x.new_full((len(x), 1), self.constant**0.5), x / x.shape[1] ** 0.25], 1)
        if self.degree == 1:
            yield z
            return
        rows, columns = torch.triu_indices(z.shape[1], z.shape[1], device=z.device)
        root = z.new_full((len(rows),), 2**0.5).masked_fill_(rows == columns, 1.0)
        for i, j, weight in zip(rows.split(_PART), columns.split(_PART), root.split(_PART), strict=True):
            yield z[:, i] * z[:, j] * weight

    def gram(self, x: Tensor) -> Tensor:  # noqa: D102
        return self.cross(x, x)

    def cross(self, x1: Tensor, x2: Tensor) -> Tensor:  # noqa: D102
        return _polynomial(x1, x2, self.degree, self.constant)

    def apply(self, x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:  # noqa: D102
        return apply_by_rows(self.cross, x1, x2, coefficients, num_rows=1000)


@final
@dataclass(frozen=True)
class PolynomialKernel(AbstractKernel):
    """Any degree, without features.

    Attributes:
        degree: p.
        constant: c.
    """

    degree: int = 3
    constant: float = 1.0

    def __post_init__(self) -> None:
        if self.degree < 1:
            raise LazyRegimeError(f"The degree of a polynomial kernel is at least 1; got {self.degree}.")
        _check_constant(self.constant)

    def gram(self, x: Tensor) -> Tensor:  # noqa: D102
        return self.cross(x, x)

    def cross(self, x1: Tensor, x2: Tensor) -> Tensor:
        """(c + <x1, x2>/sqrt(d))^p, (n, m) in float64."""
        return _polynomial(x1, x2, self.degree, self.constant)

    def apply(self, x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:  # noqa: D102
        return apply_by_rows(self.cross, x1, x2, coefficients, num_rows=1000)

    def num_coupled(self, x: Tensor) -> None:  # noqa: D102
        return None

    def gram_accuracy(self, x: Tensor) -> float:  # noqa: D102
        return rounding(x.dtype)


def _polynomial(x1: Tensor, x2: Tensor, degree: int, constant: float) -> Tensor:
    return (x1 @ x2.T).double().div_(x1.shape[1] ** 0.5).add_(constant).pow_(degree)


def _check_constant(constant: float) -> None:
    if not 0 <= constant < math.inf:
        raise LazyRegimeError(f"The constant of a polynomial kernel is finite and >= 0; got {constant}.")
