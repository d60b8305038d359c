r"""E[s(u) s(v)] = sum_j a_j(q1) a_j(q2) rho^j, with the Hermite coefficients a_j(q) = E[s(sqrt(q) z) h_j(z)].

The number of terms grows with the variance: what matters is how fast s(sqrt(q) z) varies.
"""

from typing import final

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite._hermite import HermiteBasis, hermite_basis
from lazyregime.kernels.infinite.dual import AbstractDual, Pointwise, correlation

_DEGREES = (600, 2400, 9600)  # tried in turn: a term costs one multiplication a pair
_TAIL, _BOUND = 1e-10, 1e-6  # of the second moment of s': wanted, and allowed
_TOGETHER = 256  # coefficients held at a time


@final
class Mehler(AbstractDual):
    """The series for any continuous, almost everywhere differentiable activation.

    Args:
        function: Pointwise, in float64.
        name: For messages.

    Raises:
        LazyRegimeError: When evaluated, if the series does not converge to 1e-6 in 9600 terms: the activation has a
            kink, or varies too fast at these variances.
    """

    def __init__(self, function: Pointwise, name: str = "activation") -> None:
        self._function, self._name = function, name

    def second_moment(self, q: Tensor) -> Tensor:  # noqa: D102
        basis, _ = self._basis(torch.stack([q.min(), q.max()]))
        return basis.values(self._function, q).square() @ basis.weights.to(q.device)

    def __call__(self, q12: Tensor, q1: Tensor, q2: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        rho = correlation(q12, q1.sqrt() * q2.sqrt())
        ends = torch.stack([torch.minimum(q1.min(), q2.min()), torch.maximum(q1.max(), q2.max())])
        basis, num_terms = self._basis(ends)
        values = _series(basis, self._function, rho, q1, q2, num_terms + 1)
        return values, _series(basis, self.derivative, rho, q1, q2, num_terms)

    def derivative(self, z: Tensor) -> Tensor:
        """S'(z)."""
        with torch.enable_grad():
            leaf = z.detach().requires_grad_()
            return torch.autograd.grad(self._function(leaf).sum(), leaf)[0]

    def _basis(self, q: Tensor) -> tuple[HermiteBasis, int]:
        """A basis that is large enough for these variances, and how many of its terms are needed."""
        last = float("inf")
        for degree in _DEGREES:
            basis = hermite_basis(degree)
            tail = basis.tail(self.derivative, q)
            last = float(tail[-1])
            if last <= _TAIL or (degree == _DEGREES[-1] and last <= _BOUND):
                needed = int((tail > max(_TAIL, 2 * last)).sum()) + 1
                return basis, min(needed, basis.num_terms - 1)
        raise LazyRegimeError(self._too_fast(float(q.max()) ** 0.5, last))

    def _too_fast(self, rms: float, tail: float) -> str:
        what = (
            f"The Hermite series of the derivative of {self._name} leaves {tail:.1e} of its second moment after "
            f"{_DEGREES[-1]} terms (allowed {_BOUND:.0e}), at preactivations of root mean square {rms:.3g}: "
        )
        scale = rms
        while scale > 1e-3 and self._leaves(scale) > _BOUND:
            scale /= 1.25
        if scale <= 1e-3:
            return (
                f"{what}it has a kink, which only activations that are linear on both sides of 0 may have (relu, "
                "leaky relu, abs); use one of these, or a smooth one."
            )
        return (
            f"{what}at that scale it is all but a step; scale the inputs down to a root mean square of {scale:.2g}, or "
            "use relu, leaky relu, abs or erf, which have closed forms at any scale."
        )

    def _leaves(self, scale: float) -> float:
        basis = hermite_basis(_DEGREES[-1])
        return float(basis.tail(self.derivative, torch.tensor([scale**2], dtype=torch.float64))[-1])


def _series(basis: HermiteBasis, function: Pointwise, rho: Tensor, q1: Tensor, q2: Tensor, num_terms: int) -> Tensor:
    total = torch.zeros_like(rho)
    for first in reversed(range(0, num_terms, _TOGETHER)):
        terms = slice(first, min(first + _TOGETHER, num_terms))
        a, b = (basis.coefficients(function, q, terms) for q in (q1, q2))
        for j in reversed(range(a.shape[-1])):  # Horner
            total.mul_(rho).add_(a[..., j] * b[..., j])
    return total
