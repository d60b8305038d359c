"""f(x; w_e) of E members at once: batched products where it is a chain of dense layers, else vmap or a loop."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.func import functional_call, vmap

from lazyregime.gradient_flow.state import Params
from lazyregime.networks import Activation, ScaledLinear


@runtime_checkable
class StackedForward(Protocol):
    """Outputs (E, n, k) from weights with the members along the first dimension, and points."""

    def __call__(self, params: Params, inputs: Shaped[Tensor, "..."], shared: bool) -> Float[Tensor, "e n k"]: ...

    def prepare(self, inputs: Shaped[Tensor, "..."], shared: bool) -> Shaped[Tensor, "..."]:
        """The points as `__call__` takes them."""
        ...


def stacked_forward(network: nn.Module) -> StackedForward:
    """The fastest way that fits the network."""
    chain = _chain(network)
    return Mapped(network) if chain is None else Chain(chain)


class Chain:
    """Dense layers and activations, features first: (E, h, n), so that no product needs a transposed copy.

    Where the points are shared the first layer is one product of all members' weights, (E h, d) with (d, n).
    """

    def __init__(self, layers: list[nn.Module]) -> None:
        self.layers = layers
        self._points: tuple[Tensor, Tensor] | None = None  # as given, and features first

    def prepare(self, inputs: Tensor, shared: bool) -> Tensor:
        return inputs.flatten(1 if shared else 2)

    def __call__(self, params: Params, inputs: Tensor, shared: bool) -> Tensor:
        left = list(params)
        z = self._features_first(inputs)
        members = len(params[0])
        for number, layer in enumerate(self.layers):
            if not isinstance(layer, nn.Linear):
                z = layer(z)
                continue
            weight = left.pop(0)
            factor, bias_factor = multipliers(layer)
            z = z if factor == 1 else z * factor
            if number == 0 and shared:
                z = (weight.reshape(-1, weight.shape[2]) @ z).view(members, weight.shape[1], -1)
            else:
                z = torch.bmm(weight, z)
            if layer.bias is not None:
                z = z + left.pop(0)[:, :, None] * bias_factor
        return z.transpose(1, 2)

    def _features_first(self, inputs: Tensor) -> Tensor:
        if self._points is None or self._points[0] is not inputs:
            self._points = (inputs, inputs.transpose(-1, -2).contiguous())
        return self._points[1]


class Mapped:
    """Any network: `vmap` over the members, or the network itself where there is one."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.names = [name for name, _ in network.named_parameters()]

    def prepare(self, inputs: Tensor, shared: bool) -> Tensor:
        return inputs

    def __call__(self, params: Params, inputs: Tensor, shared: bool) -> Tensor:
        def one(weights: Params, x: Tensor) -> Tensor:
            return functional_call(self.network, dict(zip(self.names, weights, strict=True)), (x,))

        if len(params[0]) == 1:
            return one([p[0] for p in params], inputs if shared else inputs[0])[None]
        return vmap(one, in_dims=(0, None if shared else 0))(params, inputs)


def multipliers(layer: nn.Linear) -> tuple[float, float]:
    """The forward multipliers of weight and bias."""
    if isinstance(layer, ScaledLinear):
        return layer.weight_multiplier, layer.bias_multiplier
    return 1.0, 1.0


def _chain(network: nn.Module) -> list[nn.Module] | None:
    """The layers of a network that is nothing but flattening, dense layers and activations in a row."""
    layers = getattr(network, "layers", network)
    if not isinstance(layers, nn.Sequential) or len(list(network.parameters())) != len(list(layers.parameters())):
        return None
    kept = [layer for layer in layers if not isinstance(layer, nn.Flatten)]
    dense = all(type(layer) in (nn.Linear, ScaledLinear, Activation, nn.ReLU) for layer in kept)
    return kept if dense and isinstance(kept[0], nn.Linear) else None
