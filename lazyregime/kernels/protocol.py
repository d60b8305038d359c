"""How kernel values become a class: the published formula, and the rule by which the poster's numbers were obtained.

adh      argmax_c (k(x, X) H^{-1} Y)_c                                      [ADH+19]
poster   the class of the single anchor with the largest weight, argmax_i (k(x, X) H^{-1})_i
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lazyregime.errors import LazyRegimeError

PROTOCOLS = ("adh", "poster")


def class_maxima(
    weights: Float[Tensor, "m n"], labels: Int[Tensor, " n"], n_outputs: int
) -> Float[Tensor, "m {n_outputs}"]:
    """For each class the largest weight among its anchors, in whatever order they stand; -inf for an absent class."""
    maxima = weights.new_full((weights.shape[0], n_outputs), float("-inf"))
    index = labels.to(weights.device).long().expand_as(weights)
    return maxima.scatter_reduce(1, index, weights, reduce="amax")


def check_protocol(protocol: str) -> None:
    """Refuses an unknown protocol.

    Raises:
        LazyRegimeError: If it is none of `PROTOCOLS`.
    """
    if protocol not in PROTOCOLS:
        raise LazyRegimeError(f"The protocol {protocol!r} is unknown; choose one of {', '.join(PROTOCOLS)}.")


def accuracy(predicted: Int[Tensor, " m"], labels: Int[Tensor, " m"]) -> float:
    """Fraction of predictions that equal the labels."""
    return float(torch.eq(predicted, labels.to(predicted.device)).double().mean())
