"""Theta = sum over layers of Theta_l: the kernel of each layer's own parameters."""

from typing import Any

from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._ntk import empirical_ntk
from lazyregime.kernels.empirical._parts import counted, layers, network_of


def empirical_ntk_layers(
    model: nn.Module, x1: Shaped[Tensor, "n *d"], x2: Shaped[Tensor, "m *d"] | None = None, **options: Any
) -> dict[str, Tensor]:
    """The kernel of each layer by its name, each as `empirical_ntk` has it; their sum is the whole.

    A layer is a module with parameters of its own, whose name is "" for the model itself; a parameter that several have
    belongs to the first. Each layer takes passes of its own, down to it, and all kernels are kept: memory peaks at
    `memory_budget` plus a kernel a layer.

    Args:
        model: As for `empirical_ntk`.
        x1: Inputs, samples first.
        x2: Other inputs.
        **options: Those of `empirical_ntk`, but params.

    Raises:
        LazyRegimeError: For what `empirical_ntk` refuses.

    Example:
        >>> import torch
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> list(empirical_ntk_layers(network, torch.ones(2, 2)))
        ['0', '2']
    """
    if "params" in options:
        raise LazyRegimeError(
            "empirical_ntk_layers computes every layer, so it has no params; pick from what it returns."
        )
    names = counted(*network_of(model)) if isinstance(model, nn.Module) else []
    if not names:
        return {"": empirical_ntk(model, x1, x2, **options)}  # which says what is wrong
    return {layer: empirical_ntk(model, x1, x2, params=own, **options) for layer, own in layers(names).items()}
