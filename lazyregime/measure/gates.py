"""Which ReLUs are on: the fraction unchanged since initialization, and the network with its gates as they were [COB19].

"Activation stability" is that fraction; the network with frozen gates is linear in each layer's weights.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from lazyregime.networks import Activation


@torch.no_grad()
def signs(network: nn.Module, evaluate: Callable[[], object]) -> list[Bool[Tensor, "n *h"]]:
    """Whether each preactivation is positive while `evaluate` runs the network, a tensor for each activation layer."""
    found: list[Tensor] = []
    handles = [m.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0] > 0)) for m in activations(network)]
    try:
        evaluate()
    finally:
        for handle in handles:
            handle.remove()
    return found


def unchanged_fraction(now: Sequence[Bool[Tensor, "..."]], before: Sequence[Bool[Tensor, "..."]]) -> float:
    """The mean over all units and inputs of all layers; 1 for a network without activations."""
    same = sum(int((a == b).sum()) for a, b in zip(now, before, strict=True))
    total = sum(a.numel() for a in now)
    return same / total if total else 1.0


@torch.no_grad()
def with_frozen_gates(
    network: nn.Module, gates: Sequence[Bool[Tensor, "n *h"]], x: Shaped[Tensor, "n *d"]
) -> Float[Tensor, "n k"]:
    """f(x; w) where each ReLU lets through what these gates say, whatever the sign of its preactivation now."""
    left = list(gates)

    def gated(layer: nn.Module, inputs: tuple[Any, ...], _: Any) -> Tensor:
        factor = layer.factor if isinstance(layer, Activation) else 1.0
        return inputs[0] * left.pop(0) * factor

    handles = [m.register_forward_hook(gated) for m in activations(network)]
    try:
        return network(x)
    finally:
        for handle in handles:
            handle.remove()


def activations(network: nn.Module) -> list[nn.Module]:
    """The activation layers in order."""
    return [m for m in network.modules() if isinstance(m, Activation | nn.ReLU)]


def has_gates(network: nn.Module) -> bool:
    """Whether every activation is a ReLU."""
    layers = activations(network)
    return bool(layers) and all(isinstance(m, nn.ReLU) or getattr(m, "name", "") == "relu" for m in layers)
