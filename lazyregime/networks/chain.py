"""f(x) = layers[L](... layers[1](x)): a network whose modules are applied one after another."""

from jaxtyping import Float, Shaped
from torch import Tensor, nn


class AbstractChain(nn.Module):
    """A network that is its `layers` and nothing else, so that forward mode goes through it a module at a time.

    Attributes:
        width: N, hidden units or channels.
        layers: What is applied, in order.
    """

    width: int
    layers: nn.Sequential

    def forward(self, x: Shaped[Tensor, "n *d"]) -> Float[Tensor, "n k"]:  # noqa: D102
        return self.layers(x)


def is_chain(module: nn.Module) -> bool:
    """Whether its children are all of it, in their order; a subclass with another forward is no chain."""
    if isinstance(module, AbstractChain):
        return type(module).forward is AbstractChain.forward and list(module._modules) == ["layers"]
    return type(module) is nn.Sequential
