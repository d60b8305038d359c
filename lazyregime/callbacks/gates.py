"""The fraction of hidden units whose sign is as it was at initialization: activation stability [COB19, figure 2]."""

from collections.abc import Callable

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from lazyregime.networks import Activation


@torch.no_grad()
def signs(network: nn.Module, evaluate: Callable[[], object]) -> list[Bool[Tensor, "n *h"]]:
    """Whether each preactivation is positive while `evaluate` runs the network, a tensor for each activation layer."""
    found: list[Tensor] = []
    activations = [m for m in network.modules() if isinstance(m, Activation | nn.ReLU)]
    handles = [m.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0] > 0)) for m in activations]
    try:
        evaluate()
    finally:
        for handle in handles:
            handle.remove()
    return found


def unchanged_fraction(now: list[Bool[Tensor, "..."]], before: list[Bool[Tensor, "..."]]) -> float:
    """The mean over all units and inputs of all layers; 1 for a network without activations."""
    same = sum(int((a == b).sum()) for a, b in zip(now, before, strict=True))
    total = sum(a.numel() for a in now)
    return same / total if total else 1.0
