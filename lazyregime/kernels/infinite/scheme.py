"""How layers of an infinitely wide network are parameterized: variances of their weights, sizes of their gradients."""

from dataclasses import dataclass
from typing import NamedTuple, final

from torch import Tensor


class Pairs(NamedTuple):
    """Sigma (nngp) and Theta (ntk) of a block of pairs, (n, m)."""

    nngp: Tensor
    ntk: Tensor


@final
@dataclass(frozen=True)
class Affine:
    """Variances of the weights (over fan_in) and biases, and the sizes of the gradients with respect to them."""

    weight_variance: float
    bias_variance: float
    weight_gradient: float
    bias_gradient: float


@final
@dataclass(frozen=True)
class Scheme:
    """The choices of `InfiniteNetwork`, resolved layer by layer."""

    parameterization: str
    weight_variance: float | None
    bias_variance: float | None
    bias: bool

    def affine(self, fan_in: int, *, trained: bool = True) -> Affine:
        """The layer with `fan_in` inputs a unit (which matters in the standard parameterization only)."""
        standard = self.parameterization == "standard"
        weight = self.weight_variance if self.weight_variance is not None else (1 / 3 if standard else 1.0)
        default = 1 / (3 * fan_in) if standard else 0.01
        bias = (self.bias_variance if self.bias_variance is not None else default) if self.bias else 0.0
        if not trained:
            return Affine(weight, bias, 0.0, 0.0)
        if standard:
            return Affine(weight, bias, float(fan_in), float(self.bias))
        return Affine(weight, bias, weight, bias)
