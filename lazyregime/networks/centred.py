"""F(x) = alpha (f(x; w) - f(x; w0)): the alpha-scaled, centred output head [COB19, section 1.1; GSJW20, eq. 2]."""

from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from lazyregime.networks.linearization import frozen_copy, refuse_stochastic


@final
class Centred(nn.Module):
    """x -> f(x; w) - f(x; w0), with an exact frozen copy of the network at w0.

    Raises:
        LazyRegimeError: If the network has layers whose output is random or depends on the batch.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        refuse_stochastic(network, "centring (f - f0)")
        self.network = network
        self.initial = frozen_copy(network)

    def forward(self, x: Shaped[Tensor, "n *d"]) -> Float[Tensor, "n k"]:  # noqa: D102
        with torch.no_grad():
            f0 = self.initial(x)
        return self.network(x) - f0
