r"""Dual activations: E[s(u) s(v)] and E[s'(u) s'(v)] for (u, v) ~ N(0, [[q1, q12], [q12, q2]]).

Linear on both sides of 0, as relu, leaky relu and abs are: the arc-cosine kernel (Cho & Saul 2009). erf: Williams
(1997). Any other activation goes through Mehler's formula (`mehler`).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

Pointwise = Callable[[Tensor], Tensor]


class AbstractDual(ABC):
    """What the recursion needs of an activation; q1 and q2 broadcast against q12."""

    @abstractmethod
    def second_moment(self, q: Float[Tensor, "*q"]) -> Float[Tensor, "*q"]:
        """E[s(u)^2], u ~ N(0, q)."""

    @abstractmethod
    def __call__(self, q12: Tensor, q1: Tensor, q2: Tensor) -> tuple[Tensor, Tensor]:
        """E[s(u) s(v)] and E[s'(u) s'(v)]."""


@final
class PiecewiseLinear(AbstractDual):
    r"""S(z) = a z for z > 0 and b z for z < 0: relu is (1, 0), abs (1, -1), leaky relu (1, 0.01).

    With R(rho) = sqrt(q1 q2) (sin t + (pi - t) cos t) / (2 pi), S(rho) = (pi - t) / (2 pi), rho = cos t, these are
    (a^2 + b^2) R(rho) - 2 a b R(-rho) and (a^2 + b^2) S(rho) + 2 a b S(-rho).
    """

    def __init__(self, positive: float, negative: float) -> None:
        self._squares, self._product = positive**2 + negative**2, 2 * positive * negative

    def second_moment(self, q: Tensor) -> Tensor:  # noqa: D102
        return q * (self._squares / 2)

    def __call__(self, q12: Tensor, q1: Tensor, q2: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        norm = torch.mul(q1.sqrt(), q2.sqrt(), out=torch.empty_like(q12))  # in the memory layout of q12
        rho = correlation(q12, norm)
        same = rho.asin().mul_(1 / (2 * math.pi)).add_(0.25)  # (pi - acos rho) / (2 pi)
        sine = rho.square().neg_().add_(1).sqrt_().mul_(1 / (2 * math.pi))
        if (self._squares, self._product) == (1.0, 0.0):  # relu
            return sine.addcmul_(rho, same).mul_(norm), same
        opposite = 0.5 - same
        values = self._squares * (sine + rho * same) - self._product * (sine - rho * opposite)
        return norm * values, self._squares * same + self._product * opposite


@final
class Erf(AbstractDual):
    """2/pi asin(2 q12 / sqrt((1 + 2 q1)(1 + 2 q2))) and 4/pi ((1 + 2 q1)(1 + 2 q2) - 4 q12^2)^(-1/2)."""

    def second_moment(self, q: Tensor) -> Tensor:  # noqa: D102
        return 2 / math.pi * (2 * q / (1 + 2 * q)).asin()

    def __call__(self, q12: Tensor, q1: Tensor, q2: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        s1, s2 = 1 + 2 * q1, 1 + 2 * q2
        root = s1.sqrt() * s2.sqrt()
        rho = correlation(q12, q1.sqrt() * q2.sqrt())
        # the square of the root, in units of s1 s2: neither products of large variances nor their difference
        rest = 1 / s1 / s2 + 2 * q1 / s1 / s2 + 2 * q2 / s1 / s2 + (2 * q1 / s1) * (2 * q2 / s2) * (1 - rho**2)
        return 2 / math.pi * (2 * q12 / root).clamp(-1, 1).asin(), 4 / math.pi / root / rest.sqrt()


@final
class Scaled(AbstractDual):
    """The dual of c s(z), from the dual of s."""

    def __init__(self, dual: AbstractDual, factor: float) -> None:
        self._dual, self._square = dual, factor**2

    def second_moment(self, q: Tensor) -> Tensor:  # noqa: D102
        return self._square * self._dual.second_moment(q)

    def __call__(self, q12: Tensor, q1: Tensor, q2: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        values, sdot = self._dual(q12, q1, q2)
        return self._square * values, self._square * sdot


def correlation(q12: Tensor, norm: Tensor) -> Tensor:
    """q12 / norm within [-1, 1]; 1 where it differs from 1 by rounding, which acos would magnify to 1e-8."""
    rho = (q12 / norm.clamp_min(torch.finfo(norm.dtype).tiny)).clamp_(-1, 1)
    return rho if rho.dtype == torch.float32 else rho.masked_fill_(rho > 1 - 1e-15, 1.0)
