"""Which ReLUs are on and which pixels win a pool: what is unchanged since w0, and f with gates as they were [COB19].

"Activation stability" is the fraction unchanged; the network with frozen gates is linear in each layer's weights.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from lazyregime.networks import Activation

Gate = Bool[Tensor, "..."] | Int[Tensor, "..."]  # which ReLUs are on, or the flat index of each pool's winner


@torch.no_grad()
def gates_of(network: nn.Module, evaluate: Callable[[], object]) -> list[Gate]:
    """What every activation layer lets through, and every max-pool chooses, while `evaluate` runs the network."""
    found: list[Tensor] = []
    handles = [m.register_forward_pre_hook(lambda m, inputs: found.append(_gate(m, inputs[0]))) for m in gated(network)]
    try:
        evaluate()
    finally:
        for handle in handles:
            handle.remove()
    return found


def unchanged_fraction(now: Sequence[Gate], before: Sequence[Gate]) -> float:
    """The mean over all units and inputs of all layers; 1 for a network without activations."""
    same = sum(int((a == b).sum()) for a, b in zip(now, before, strict=True))
    total = sum(a.numel() for a in now)
    return same / total if total else 1.0


@torch.no_grad()
def with_frozen_gates(network: nn.Module, gates: Sequence[Gate], x: Shaped[Tensor, "n *d"]) -> Float[Tensor, "n k"]:
    """f(x; w) where each ReLU and each pool lets through what these gates say, whatever its inputs are now."""
    left = list(gates)

    def let_through(layer: nn.Module, inputs: tuple[Any, ...], _: Any) -> Tensor:
        return _through(layer, inputs[0], left.pop(0))

    handles = [m.register_forward_hook(let_through) for m in gated(network)]
    try:
        return network(x)
    finally:
        for handle in handles:
            handle.remove()


def gated(network: nn.Module) -> list[nn.Module]:
    """The activation layers and max-pools."""
    return [m for m in network.modules() if isinstance(m, Activation | nn.ReLU | nn.MaxPool2d)]


def has_gates(network: nn.Module) -> bool:
    """Whether every activation is a ReLU."""
    layers = [m for m in network.modules() if isinstance(m, Activation | nn.ReLU)]
    return bool(layers) and all(isinstance(m, nn.ReLU) or getattr(m, "name", "") == "relu" for m in layers)


def _gate(layer: nn.Module, z: Tensor) -> Tensor:
    return _winners(layer, z) if isinstance(layer, nn.MaxPool2d) else z > 0


def _winners(pool: nn.MaxPool2d, z: Tensor) -> Tensor:
    return F.max_pool2d(
        z, pool.kernel_size, pool.stride, pool.padding, pool.dilation, ceil_mode=pool.ceil_mode, return_indices=True
    )[1]


def _through(layer: nn.Module, z: Tensor, gate: Tensor) -> Tensor:
    if isinstance(layer, nn.MaxPool2d):
        return z.flatten(-2).gather(-1, gate.flatten(-2)).view(gate.shape)
    return z * gate * (layer.factor if isinstance(layer, Activation) else 1.0)
