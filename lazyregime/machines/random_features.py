"""phi_i(x) = sigma(<w_i, x>) / sqrt(N): random features, the first term of a linearized network [GMMM19]."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from torch import Tensor

from lazyregime.kernels import AbstractKernel
from lazyregime.machines._units import activation, unit_weights
from lazyregime.machines.features import STAND_IN, AbstractFeatures, check_units
from lazyregime.machines.two_layer import limit_of


@final
@dataclass(frozen=True)
class RandomFeatures(AbstractFeatures):
    """N units with fixed random weights, whose readout is fitted.

    Attributes:
        num_features: N.
        activation: One of `lazyregime.networks.ACTIVATIONS`.
        shift: Added to <w, x>: a shifted activation has all degrees in its spectrum, where relu lacks the odd ones.
        weights: "sphere" (|w| = 1) or "gaussian" (N(0, I/d)).
        seed: Of the weights.
    """

    num_features: int = 1000
    activation: str = "relu"
    shift: float = 0.0
    weights: str = "sphere"
    seed: int = 0

    def __post_init__(self) -> None:
        check_units(self.num_features, self.seed)
        activation(self.activation)

    def count(self, d: int) -> int:  # noqa: D102
        return self.num_features

    def stand_ins(self) -> tuple[AbstractKernel, ...]:  # noqa: D102
        fewer = replace(self, num_features=min(self.num_features, STAND_IN))
        return (limit_of("rf", self.activation, self.shift) or fewer,)

    def parts(self, x: Tensor) -> Iterator[Tensor]:  # noqa: D102
        sigma = activation(self.activation, self.shift)
        for w in unit_weights(self.num_features, x, self.weights, self.seed):
            yield sigma(x @ w.T).div_(self.num_features**0.5)
