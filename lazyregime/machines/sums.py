"""phi(x) = (phi_1(x), phi_2(x), ..): features side by side, whose kernels add up; RF+NT is both layers of a network."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel
from lazyregime.machines.features import AbstractFeatures
from lazyregime.machines.random_features import RandomFeatures
from lazyregime.machines.tangent_features import TangentFeatures


@final
@dataclass(frozen=True)
class SumOfFeatures(AbstractFeatures):
    """Several feature maps at once.

    Attributes:
        terms: At least one.
    """

    terms: tuple[AbstractFeatures, ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise LazyRegimeError("A sum of features needs at least one term.")

    def count(self, d: int) -> int:  # noqa: D102
        return sum(term.count(d) for term in self.terms)

    def stand_ins(self) -> tuple[AbstractKernel, ...]:  # noqa: D102
        return tuple(kernel for term in self.terms for kernel in term.stand_ins())

    def parts(self, x: Tensor) -> Iterator[Tensor]:  # noqa: D102
        for term in self.terms:
            yield from term.parts(x)

    def gram(self, x: Tensor) -> Tensor:  # noqa: D102
        total = self.terms[0].gram(x)
        for term in self.terms[1:]:
            total += term.gram(x)
        return total

    def cross(self, x1: Tensor, x2: Tensor) -> Tensor:  # noqa: D102
        total = self.terms[0].cross(x1, x2)
        for term in self.terms[1:]:
            total += term.cross(x1, x2)
        return total

    def apply(self, x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:  # noqa: D102
        total = self.terms[0].apply(x1, x2, coefficients)
        for term in self.terms[1:]:
            total += term.apply(x1, x2, coefficients)
        return total


def two_layer_features(
    num_features: int = 1000, *, activation: str = "relu", shift: float = 0.0, weights: str = "sphere", seed: int = 0
) -> SumOfFeatures:
    """RF+NT: both layers of one network of N units linearized, with the arguments of `RandomFeatures`."""
    settings = (num_features, activation, shift, weights, seed)
    return SumOfFeatures((RandomFeatures(*settings), TangentFeatures(*settings)))
