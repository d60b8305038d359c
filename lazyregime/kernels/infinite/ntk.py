"""Theta_infinity(x1, x2) of the fully connected network, in one call."""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from lazyregime.kernels.infinite.mlp import InfiniteMLP


def infinite_ntk(
    x1: Float[Tensor, "n ..."], x2: Float[Tensor, "m ..."] | None = None, **architecture: Any
) -> Float[Tensor, "n m"]:
    """The exact NTK of one output of an infinitely wide MLP (the trace over k outputs is k times it).

    Args:
        x1: Inputs, flattened after the first axis.
        x2: Other inputs; x1 itself if not given.
        **architecture: The choices of `InfiniteMLP`: depth=3, activation="relu", normalize_activation=False,
            parameterization="ntk", width=1024, weight_variance, bias_variance, bias=True, which="ntk" or "nngp",
            memory_budget. For convolutional networks see `InfiniteCNN`.

    Raises:
        LazyRegimeError: For a choice that is not known.
    """
    return InfiniteMLP(**architecture).cross(x1, x2)
