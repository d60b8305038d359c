"""f_k(x) = sum_j phi(<w_kj, x>) / N with phi(z) = z + eps z^2 / 2: hidden units that vote with one weight [KBGP24].

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
from lazyregime.networks.scales import with_scale


@final
class Committee(AbstractChain):
    """One hidden layer without biases under a readout that is the plain sum of its units and stays so.

    Args:
        width: N, hidden units of an output; each output has a committee of its own.
        in_features: d, inputs after flattening.
        n_outputs: k.
        curvature: eps.
        parameterization: ntk, mean_field, mup; or standard: PyTorch's own weights, and votes of the mean square that
            its readout would have, 1/(3N).

    Raises:
        LazyRegimeError: If a size is not a positive whole number, eps is not finite or the parameterization is not
            known.
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
        if not abs(curvature) < float("inf"):
            raise LazyRegimeError(f"curvature={curvature} is not possible; it must be finite.")
        readout = layer_scale(parameterization, fan_in=width, width=width, readout=True)
        first = layer_scale(parameterization, fan_in=in_features, width=width, readout=False)
        self.width = width
        # The last layer that is trained says for the network which parameterization it is in.
        scale, plain = replace(first, readout=True), first.init_std is None
        hidden = (
            with_scale(nn.Linear(in_features, n_outputs * width, bias=False), scale)
            if plain
            else ScaledLinear(in_features, n_outputs * width, scale=scale, bias=False)
        )
        votes = Votes((3 * width) ** -0.5 if plain else readout.multiplier, n_outputs)
        self.layers = nn.Sequential(nn.Flatten(), hidden, LinearQuadratic(curvature), votes)


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
    """For each output the sum of its units times a factor."""

    def __init__(self, factor: float, n_outputs: int) -> None:
        super().__init__()
        self.factor, self.n_outputs = factor, n_outputs

    def forward(self, z: Float[Tensor, "*n kh"]) -> Float[Tensor, "*n k"]:  # noqa: D102
        return self.factor * z.unflatten(-1, (self.n_outputs, -1)).sum(-1)
