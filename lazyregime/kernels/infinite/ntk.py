"""Theta_infinity(x1, x2) of the fully connected network, in one call."""

from dataclasses import fields
from typing import Any

from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite.mlp import InfiniteMLP


def infinite_ntk(
    x1: Shaped[Tensor, "n ..."], x2: Shaped[Tensor, "m ..."] | None = None, **architecture: Any
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
    choices = [field.name for field in fields(InfiniteMLP)]
    unknown = [name for name in architecture if name not in choices]
    if unknown:
        raise LazyRegimeError(
            f"There is no choice {', '.join(unknown)} of an infinite MLP; there are {', '.join(choices)}."
        )
    return InfiniteMLP(**architecture).cross(x1, x2)
