"""What regression gained by training the network, and its standard error: the same test points before and after.

With s_i what point i scores (1 or 0 for right or wrong; of real targets y_i, 1 - |f_i - y_i|^2 / mean |y - mean y|^2,
whose mean is R^2), the gain is the mean of d_i = s_i(after) - s_i(before), and its error the standard deviation of the
d_i over sqrt(n). Points that are right, or wrong, both times count for nothing, so it is much smaller than that of two
accuracies that were measured apart.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@final
@dataclass(frozen=True)
class Gain:
    """A difference of two accuracies (or R^2), and its standard error."""

    value: float
    error: float


def paired_gain(before: Float[Tensor, " m"], after: Float[Tensor, " m"]) -> Gain | None:
    """Of the scores of the same points; None for less than two points."""
    d = after.double() - before.double()
    if len(d) < 2:
        return None
    return Gain(float(d.mean()), float(d.std()) / len(d) ** 0.5)


def scores(per_point: Bool[Tensor, " m"] | Float[Tensor, " m"], labels: Tensor) -> Float[Tensor, " m"]:
    """What each point scores: right or wrong, or its squared error over the variance of the targets."""
    if per_point.dtype == torch.bool:
        return per_point.double()
    targets = labels.double().reshape(len(labels), -1)
    variance = (targets - targets.mean(0)).square().sum(1).mean()
    return 1 - per_point.double() / variance.to(per_point.device)
