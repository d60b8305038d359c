r"""The recursion, layer by layer, on pairs of inputs: Sigma (the nngp kernel) and Theta (the ntk).

affine       Sigma <- w A(Sigma) + b,   Theta <- g_w A(Sigma) + g_b + w A(Theta)
activation   Sigma <- E[s(u) s(v)],     Theta <- Theta * E[s'(u) s'(v)]

A is the mean over the inputs that a unit sums: nothing for a dense layer, aligned patches for a convolution, pixels for
a readout. In the NTK parameterization g_w = w and g_b = b; in the standard one g_w = fan_in and g_b = 1 (2001.07301).
The variances q of single inputs follow the same recursion, once for all pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from lazyregime.kernels.infinite.dual import AbstractDual

Mean = Callable[[Tensor], Tensor]


class Pairs(NamedTuple):
    """Sigma and Theta of a block of pairs, (n, m, *spatial)."""

    nngp: Tensor
    ntk: Tensor


@dataclass(frozen=True)
class Affine:
    """Variances of the weights (over fan_in) and biases, and the sizes of the gradients with respect to them."""

    weight_variance: float
    bias_variance: float
    weight_gradient: float
    bias_gradient: float

    def frozen(self) -> "Affine":
        """The same layer, not trained."""
        return Affine(self.weight_variance, self.bias_variance, 0.0, 0.0)


@dataclass(frozen=True)
class Scheme:
    """How layers are parameterized; the choices of `InfiniteMLP` and `InfiniteCNN`, resolved layer by layer."""

    parameterization: str
    weight_variance: float | None
    bias_variance: float | None
    bias: bool

    def affine(self, fan_in: int) -> Affine:
        """The layer with `fan_in` inputs a unit (which matters in the standard parameterization only)."""
        standard = self.parameterization == "standard"
        weight = self.weight_variance if self.weight_variance is not None else (1 / 3 if standard else 1.0)
        default = 1 / (3 * fan_in) if standard else 0.01
        bias = (self.bias_variance if self.bias_variance is not None else default) if self.bias else 0.0
        if standard:
            return Affine(weight, bias, float(fan_in), float(self.bias))
        return Affine(weight, bias, weight, bias)


def affine(pairs: Pairs, layer: Affine, mean: Mean) -> Pairs:
    """An affine layer; `mean` averages over the inputs of a unit."""
    nngp = mean(pairs.nngp)
    ntk = layer.weight_gradient * nngp + layer.bias_gradient + layer.weight_variance * mean(pairs.ntk)
    return Pairs(layer.weight_variance * nngp + layer.bias_variance, ntk)


def activate(pairs: Pairs, dual: AbstractDual, q1: Tensor, q2: Tensor) -> Pairs:
    """A pointwise nonlinearity; the variances broadcast against the pairs."""
    nngp, sdot = dual(pairs.nngp, q1, q2)
    return Pairs(nngp, pairs.ntk * sdot)


def variances(q: Tensor, layers: Sequence[Affine], dual: AbstractDual, mean: Mean) -> list[Tensor]:
    """The variance of each sample's preactivations after each of the layers, from that of the input."""
    result: list[Tensor] = []
    for layer in layers:
        q = layer.weight_variance * mean(q) + layer.bias_variance
        result.append(q)
        q = dual.second_moment(q)
    return result


def identity(tensor: Tensor) -> Tensor:
    """The mean over the inputs of a dense layer: they are alike already."""
    return tensor
