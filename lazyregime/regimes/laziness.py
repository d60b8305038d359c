"""lambda = alpha for a readout of 1/N, sqrt(N) alpha for one of 1/sqrt(N): alpha in mean-field units [GSJW20].

It is asked of the network: one whose parameterization or width is not known has no laziness.
"""

import math

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import UNKNOWN, parameterization_of, why_unknown, width_of


def laziness(alpha: float, network: nn.Module) -> float | None:
    """Alpha in mean-field units; None for a network of unknown parameterization or width."""
    unit = _of_alpha_one(network)
    return None if unit is None else alpha * unit


def alpha_of(laziness: float, network: nn.Module) -> float:
    """The alpha that has this laziness.

    Raises:
        LazyRegimeError: If the network's parameterization or width is not known.
    """
    unit = _of_alpha_one(network)
    if unit is None:
        why = why_unknown(network) if parameterization_of(network) == UNKNOWN else "it has no attribute `width`"
        raise LazyRegimeError(
            f"laziness={laziness:g} cannot be turned into an alpha for this {type(network).__name__}, since {why}; "
            "give alpha itself, as regime=scaled alpha=10."
        )
    return laziness / unit


def check_alpha(alpha: float) -> None:
    """Refuse an output scale that is not positive and finite.

    Raises:
        LazyRegimeError: Saying what is allowed.
    """
    if not 0 < alpha < math.inf:
        raise LazyRegimeError(
            f"alpha={alpha:g} is not possible: the loss is divided by alpha^2; alpha must be positive and finite "
            "(small alpha: feature learning; large alpha: lazy)."
        )


def _of_alpha_one(network: nn.Module) -> float | None:
    parameterization, width = parameterization_of(network), width_of(network)
    if parameterization == UNKNOWN or width is None:
        return None
    return 1.0 if parameterization in ("mean_field", "mup") else math.sqrt(width)
