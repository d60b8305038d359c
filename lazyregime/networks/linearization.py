"""J(w0) delta = d/dt f(x; w0 + t delta) at t = 0: the tangent model at w0 [COB19, section 1.2]."""

import copy
from typing import Any, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks._pushforward import pushforward


@final
class Linearized(nn.Module):
    """x -> J(w0) delta by forward mode; delta, zero at first, is all that is trained and no Jacobian is ever stored.

    Since delta = 0 gives zero, the model is centred: f_lin(x; w) - f(x; w0) = J(w0) (w - w0) with w = w0 + delta.
    One evaluation costs about three of the network. `network` is a frozen copy at w0.

    Raises:
        LazyRegimeError: If the network has layers whose output is random or depends on the batch.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        refuse_stochastic(network, "regime.linearized=true")
        self.network = frozen_copy(network)
        # A ParameterList keeps names with dots out of the module tree; the order is named_parameters'.
        self.names = [name for name, _ in network.named_parameters()]
        self.delta = nn.ParameterList([torch.zeros_like(p) for p in network.parameters()])

    def forward(self, x: Shaped[Tensor, "n *d"]) -> Float[Tensor, "n k"]:
        """J(w0) delta."""
        return pushforward(self.network, dict(zip(self.names, self.delta, strict=True)), x)

    def displaced(self) -> dict[str, Tensor]:
        """W = w0 + delta by parameter name."""
        w0 = dict(self.network.named_parameters())
        return {name: w0[name].detach() + d.detach() for name, d in zip(self.names, self.delta, strict=True)}


def frozen_copy(network: nn.Module) -> nn.Module:
    """An exact copy whose parameters are not trained."""
    copied: Any = copy.deepcopy(network)
    return copied.requires_grad_(False)


def refuse_stochastic(network: nn.Module, what: str) -> None:
    """Refuse dropout and batch statistics, for which f(x; w0) is no function of x.

    Raises:
        LazyRegimeError: Naming the layer.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0:
            raise LazyRegimeError(
                f"{what} needs a network that is a function of its input, but layer {name!r} is a dropout layer "
                f"(p={module.p}); set p to 0 or remove it, or use regime=regular."
            )
        if isinstance(module, nn.modules.batchnorm._NormBase) and module.training:
            raise LazyRegimeError(
                f"{what} needs a network that is a function of its input, but layer {name!r} normalizes by the batch; "
                "use GroupNorm or LayerNorm, or regime=regular."
            )
