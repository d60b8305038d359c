r"""AbstractDual activations: E[s(u) s(v)] and E[s'(u) s'(v)] for (u, v) ~ N(0, [[q1, q12], [q12, q2]]).

relu is the arc-cosine kernel (Cho & Saul 2009), erf is Williams (1997). Any other activation goes through Mehler's
formula, E[s(u) s(v)] = sum_j a_j(q1) a_j(q2) rho^j, with the Hermite coefficients a_j(q) = E[s(sqrt(q) z) h_j(z)].
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite._hermite import hermite_basis
from lazyregime.networks.activations import ACTIVATIONS

_TINY = torch.finfo(torch.float64).tiny


class AbstractDual(ABC):
    """What the recursion needs of an activation; all in float64, shapes broadcast."""

    @abstractmethod
    def second_moment(self, q: Float[Tensor, "*q"]) -> Float[Tensor, "*q"]:
        """E[s(u)^2], u ~ N(0, q)."""

    @abstractmethod
    def __call__(self, q12: Tensor, q1: Tensor, q2: Tensor) -> tuple[Tensor, Tensor]:
        """E[s(u) s(v)] and E[s'(u) s'(v)]."""


@final
class ReLU(AbstractDual):
    """sqrt(q1 q2) (sin t + (pi - t) cos t) / (2 pi) and (pi - t) / (2 pi), cos t = q12 / sqrt(q1 q2)."""

    def second_moment(self, q: Tensor) -> Tensor:  # noqa: D102
        return q / 2

    def __call__(self, q12: Tensor, q1: Tensor, q2: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        norm = (q1 * q2).sqrt()
        rho = _correlation(q12, norm)
        sdot = (math.pi - rho.acos()) / (2 * math.pi)
        sine = (1 - rho * rho).clamp_min_(0).sqrt_()
        return norm * (sine / (2 * math.pi) + rho * sdot), sdot


@final
class Erf(AbstractDual):
    """2/pi asin(2 q12 / sqrt((1 + 2 q1)(1 + 2 q2))) and 4/pi ((1 + 2 q1)(1 + 2 q2) - 4 q12^2)^(-1/2)."""

    def second_moment(self, q: Tensor) -> Tensor:  # noqa: D102
        return 2 / math.pi * (2 * q / (1 + 2 * q)).asin()

    def __call__(self, q12: Tensor, q1: Tensor, q2: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        square = (1 + 2 * q1) * (1 + 2 * q2)
        values = 2 / math.pi * (2 * q12 / square.sqrt()).clamp(-1, 1).asin()
        return values, 4 / math.pi / (square - 4 * q12**2).sqrt()


@final
class Mehler(AbstractDual):
    """The series for any almost everywhere differentiable activation; a kink is allowed at 0.

    Raises:
        LazyRegimeError: When evaluated, if the series does not converge to 1e-6 in 600 terms, as for kinked functions.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self._function = function
        self._basis = hermite_basis(600)

    def second_moment(self, q: Tensor) -> Tensor:  # noqa: D102
        values = self._function(q.sqrt()[..., None] * self._basis.nodes.to(q.device))
        return values.square() @ self._basis.weights.to(q.device)

    def __call__(self, q12: Tensor, q1: Tensor, q2: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        rho = _correlation(q12, (q1 * q2).sqrt())
        ends = torch.stack([torch.minimum(q1.min(), q2.min()), torch.maximum(q1.max(), q2.max())])
        degree = self._basis.num_terms(self._derivative, ends)
        values = self._series(self._function, rho, q1, q2, degree + 1)
        return values, self._series(self._derivative, rho, q1, q2, degree)

    def _series(
        self, function: Callable[[Tensor], Tensor], rho: Tensor, q1: Tensor, q2: Tensor, num_terms: int
    ) -> Tensor:
        a, b = (self._basis.coefficients(function, q, num_terms) for q in (q1, q2))
        total = torch.zeros_like(rho)
        for j in reversed(range(num_terms)):  # Horner
            total.mul_(rho).add_(a[..., j] * b[..., j])
        return total

    def _derivative(self, z: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = z.detach().requires_grad_()
            return torch.autograd.grad(self._function(leaf).sum(), leaf)[0]


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


def dual_of(activation: str | Callable[[Tensor], Tensor], normalize: bool = False) -> AbstractDual:
    """The dual of an activation by name or of a pointwise function; `normalize` scales it to E[s(Z)^2] = 1.

    Raises:
        LazyRegimeError: If the name is not known.
    """
    if activation == "relu":
        dual: AbstractDual = ReLU()
    elif activation == "erf":
        dual = Erf()
    elif callable(activation):
        dual = Mehler(activation)
    elif activation in ACTIVATIONS:
        dual = Mehler(ACTIVATIONS[activation])
    else:
        raise LazyRegimeError(
            f"activation={activation!r} is not known; choose one of {', '.join(ACTIVATIONS)}, or give a function."
        )
    if not normalize:
        return dual
    return Scaled(dual, float(dual.second_moment(torch.ones((), dtype=torch.float64))) ** -0.5)


def _correlation(q12: Tensor, norm: Tensor) -> Tensor:
    """q12 / norm within [-1, 1]; 1 where it differs from 1 by rounding, which acos would magnify to 1e-8."""
    rho = (q12 / norm.clamp_min(_TINY)).clamp_(-1, 1)
    return torch.where(rho > 1 - 1e-15, 1.0, rho)
