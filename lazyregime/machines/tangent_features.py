r"""phi_i(x) = sigma'(<w_i, x>) x / sqrt(N d): the tangent features of the first layer [GMMM19].

Their kernel is (<x, x'>/d) (1/N) sum_i sigma'(<w_i, x>) sigma'(<w_i, x'>), so N d features are never formed for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from lazyregime.kernels import AbstractKernel
from lazyregime.kernels.kernel import apply_by_rows
from lazyregime.machines._units import activation, slope, unit_weights
from lazyregime.machines.features import STAND_IN, AbstractFeatures, add_outer, check_units, mirror
from lazyregime.machines.two_layer import limit_of


@final
@dataclass(frozen=True)
class TangentFeatures(AbstractFeatures):
    """N units whose weights move to first order: N d features.

    Attributes:
        num_features: N, like all that follow as for `RandomFeatures`: the same seed draws the same weights.
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
        return self.num_features * d

    def stand_ins(self) -> tuple[AbstractKernel, ...]:  # noqa: D102
        fewer = replace(self, num_features=min(self.num_features, STAND_IN))
        return (limit_of("nt", self.activation, self.shift) or fewer,)

    def parts(self, x: Tensor) -> Iterator[Tensor]:  # noqa: D102
        scaled = x / (self.num_features * x.shape[1]) ** 0.5
        for gates in self._gates(x):
            for some in gates.split(max(1, 4096 // x.shape[1]), dim=1):
                yield (some[:, :, None] * scaled[:, None]).flatten(1)

    def gram(self, x: Tensor) -> Tensor:  # noqa: D102
        total = torch.zeros(len(x), len(x), dtype=torch.float64, device=x.device)
        for gates in self._gates(x):
            add_outer(total, gates)
        return mirror(total).mul_(self._inner(x, x))

    def cross(self, x1: Tensor, x2: Tensor) -> Tensor:  # noqa: D102
        total = torch.zeros(len(x1), len(x2), dtype=torch.float64, device=x1.device)
        for a, b in zip(self._gates(x1), self._gates(x2), strict=True):
            total += a @ b.T
        return total.mul_(self._inner(x1, x2))

    def apply(self, x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:  # noqa: D102
        return apply_by_rows(self.cross, x1, x2, coefficients, num_rows=1000)

    def _gates(self, x: Tensor) -> Iterator[Tensor]:
        derivative = slope(self.activation, self.shift)
        for w in unit_weights(self.num_features, x, self.weights, self.seed):
            yield derivative(x @ w.T)

    def _inner(self, x1: Tensor, x2: Tensor) -> Tensor:
        return (x1 @ x2.T).double().div_(self.num_features * x1.shape[1])
