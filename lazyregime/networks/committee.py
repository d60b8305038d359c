"""f(x) = sum_j phi(<w_j, x>) / N with phi(z) = z + eps z^2 / 2: hidden units that vote with one weight [KBGP24].

Only w is trained. At initialization the tangent kernel is that of linear functions and, eps^2 as large, of quadratic
ones: eps says how little of a quadratic target the first kernel sees. (ntk: 1/sqrt(N) in the place of 1/N.)
"""

from dataclasses import replace
from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks._check import check_sizes
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.layers import ScaledLinear
from lazyregime.networks.parameterization import layer_scale


@final
class Committee(AbstractChain):
    """One hidden layer without biases under a readout that is the plain sum of its units and stays so.

    Args:
        width: N, hidden units.
        in_features: d, inputs after flattening.
        n_outputs: 1: the units have one vote each.
        curvature: eps.
        parameterization: ntk, mean_field or mup.

    Raises:
        LazyRegimeError: If a size is not a positive whole number, there are several outputs, eps is not finite or the
            parameterization is another.
    """

    def __init__(
        self,
        width: int = 1024,
        *,
        in_features: int = 784,
        n_outputs: int = 1,
        curvature: float = 0.25,
        parameterization: str = "ntk",
    ) -> None:
        super().__init__()
        check_sizes(width=width, in_features=in_features, n_outputs=n_outputs)
        _check(n_outputs, curvature, parameterization)
        readout = layer_scale(parameterization, fan_in=width, width=width, readout=True)
        first = layer_scale(parameterization, fan_in=in_features, width=width, readout=False)
        self.width = width
        # The last layer that is trained says for the network which parameterization it is in.
        hidden = ScaledLinear(in_features, width, scale=replace(first, readout=True), bias=False)
        self.layers = nn.Sequential(nn.Flatten(), hidden, LinearQuadratic(curvature), Votes(readout.multiplier))


@final
class LinearQuadratic(nn.Module):
    """z + eps z^2 / 2."""

    def __init__(self, curvature: float) -> None:
        super().__init__()
        self.curvature = curvature

    def forward(self, z: Float[Tensor, "*n h"]) -> Float[Tensor, "*n h"]:  # noqa: D102
        return z + (0.5 * self.curvature) * z * z


@final
class Votes(nn.Module):
    """Their sum times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, z: Float[Tensor, "*n h"]) -> Float[Tensor, "*n 1"]:  # noqa: D102
        return self.factor * z.sum(-1, keepdim=True)


def _check(n_outputs: int, curvature: float, parameterization: str) -> None:
    if n_outputs != 1:
        raise LazyRegimeError(f"A committee has one output and not {n_outputs}; use arch=two_layer for several.")
    if not abs(curvature) < float("inf"):
        raise LazyRegimeError(f"curvature={curvature} is not possible; it must be finite.")
    if parameterization == "standard":
        raise LazyRegimeError(
            "A committee's readout is not trained, and PyTorch's own parameterization does not say how large it is; "
            "choose one of ntk, mean_field, mup."
        )
