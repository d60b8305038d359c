r"""alpha = (K + ridge I)^{-1} Y by Cholesky in float64, with what it took: condition number, jitter, residual.

Nothing is guessed: the smallest and largest eigenvalues are computed (all of them for small matrices, by Lanczos
iterations with the factor for large ones), and decide about a jitter (`stability`).
"""

from dataclasses import replace
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve.in_place import Overwritten
from lazyregime.solve.lanczos import largest_eigenvalue
from lazyregime.solve.report import SolveReport
from lazyregime.solve.stability import check_not_zero, condition_number, lowest_allowed, needed_jitter
from lazyregime.solve.tensors import as_float64, rounding, symmetric

DENSE_SPECTRUM = 1000  # up to this size all eigenvalues cost less than a second
RESIDUAL_BOUND = 1e-6
_TINY = torch.finfo(torch.float64).tiny


class Factored(NamedTuple):
    """L of H + jitter I = L L^T, the jitter it needed, and the ends of the spectrum of H."""

    factor: Tensor
    jitter: float
    smallest: float
    largest: float


@final
class CholeskySolver:
    """H = K + (ridge + jitter) I = L L^T, factored once.

    Memory peaks at three (n, n) float64 matrices, or at one with `overwrite`; time is n^3/3 multiplications.

    Args:
        gram: Symmetric (n, n) kernel matrix of any real dtype; float64 is not copied.
        ridge: Absolute, not negative.
        accuracy: Relative accuracy of the entries of `gram`; the rounding of its dtype if not given. Say 1e-7 for a
            float64 matrix that was made from float32 features.
        form: For the report.
        overwrite: Factor a contiguous float64 matrix in its own memory; `gram` is the caller's no longer.

    Attributes:
        shift: ridge + jitter.

    Raises:
        LazyRegimeError: If the matrix is not finite, not symmetric or not positive semi-definite.
    """

    def __init__(
        self,
        gram: Float[Tensor, "n n"],
        *,
        ridge: float = 0.0,
        accuracy: float | None = None,
        form: str = "dual",
        overwrite: bool = False,
    ) -> None:
        self._gram = symmetric(gram, "kernel matrix")
        accuracy = rounding(gram.dtype) if accuracy is None else accuracy
        self._kept = Overwritten(self._gram.contiguous()) if overwrite else None
        if self._kept is None:
            found = factored(self._gram, ridge, accuracy)
        else:
            found = overwritten(self._kept, ridge, accuracy)
        self._factor, self.shift = found.factor, ridge + found.jitter
        self.report = SolveReport(
            size=len(gram), ridge=ridge, jitter=found.jitter, residual=0.0, method="cholesky", form=form,
            condition_number=condition_number(found.smallest, found.largest), num_factored=1,
        )  # fmt: skip

    def solve(self, targets: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """H^{-1} Y, refined once and its residual checked.

        Raises:
            LazyRegimeError: If the relative residual exceeds 1e-6.
        """
        y = as_float64(targets, "targets").to(self._gram.device)
        solution = self._substitute(y)
        solution += self._substitute(y - self._multiply(solution))
        scale = y.norm().clamp_min(_TINY)
        residual = float((self._multiply(solution) - y).norm() / scale)
        if not residual <= RESIDUAL_BOUND:
            raise LazyRegimeError(
                f"The kernel solve leaves a relative residual of {residual:.3g} (allowed {RESIDUAL_BOUND:.0e}) at "
                f"condition number {self.report.condition_number:.3g}; give a ridge, for instance relative_ridge=1e-6."
            )
        misfit = residual + self.report.jitter * float(solution.norm() / scale)
        self.report = replace(
            self.report, residual=max(residual, self.report.residual), misfit=max(misfit, self.report.misfit)
        )
        return solution

    def inverse(self) -> Float[Tensor, "n n"]:
        """H^{-1}, dense."""
        return torch.cholesky_inverse(self._factor)

    def _substitute(self, v: Tensor) -> Tensor:
        return substitute(self._factor, v) if self._kept is None else self._kept.solve(v)

    def _multiply(self, v: Tensor) -> Tensor:
        product = self._gram @ v if self._kept is None else self._kept.multiply(v)
        return product.add_(v, alpha=self.shift)


def factored(a: Float[Tensor, "n n"], ridge: float, accuracy: float) -> Factored:
    """The factor of H = A + ridge I, with the jitter that it needs.

    Raises:
        LazyRegimeError: If H is not positive semi-definite.
    """
    n = len(a)
    check_not_zero(a.diagonal())
    factor, info = torch.linalg.cholesky_ex(_shifted(a, ridge))
    definite = int(info) == 0
    if n <= DENSE_SPECTRUM:
        eigenvalues = torch.linalg.eigvalsh(_shifted(a, ridge))
        smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    else:
        largest = largest_eigenvalue(lambda v: a @ v, a) + ridge
        smallest = _smallest(a, ridge, factor) if definite else _below(a, ridge, largest, accuracy)
    smallest = smallest if definite else min(smallest, 0.0)
    jitter = needed_jitter(smallest, largest, ridge=ridge, size=n, accuracy=accuracy)
    if jitter:
        factor = torch.linalg.cholesky(_shifted(a, ridge + jitter))
    return Factored(factor, jitter, smallest, largest)


def overwritten(kept: Overwritten, ridge: float, accuracy: float) -> Factored:
    """As `factored`, in the memory of the matrix; the ends of the spectrum by Lanczos iterations, whatever the size.

    Raises:
        LazyRegimeError: If H is not positive semi-definite.
    """
    a, n = kept.matrix, len(kept.matrix)
    check_not_zero(kept.diagonal)
    largest = kept.largest() + ridge
    if kept.factor(ridge):
        smallest = kept.smallest()
    else:
        lift = -2 * lowest_allowed(max(largest, _TINY), n, accuracy)
        smallest = min(kept.smallest() - lift, 0.0) if kept.factor(ridge + lift) else -lift
    jitter = needed_jitter(smallest, largest, ridge=ridge, size=n, accuracy=accuracy)
    if jitter and not kept.factor(ridge + jitter):
        raise LazyRegimeError(f"The kernel matrix has no factor, even with a jitter of {jitter:.3g}; give a ridge.")
    return Factored(a, jitter, smallest, largest)


def substitute(factor: Tensor, y: Tensor) -> Tensor:
    """(L L^T)^{-1} y; several times faster than `torch.cholesky_solve`, which copies the factor."""
    forward = torch.linalg.solve_triangular(factor, y, upper=False)
    return torch.linalg.solve_triangular(factor.mT, forward, upper=True)


def _smallest(a: Tensor, ridge: float, factor: Tensor) -> float:
    return 1 / largest_eigenvalue(lambda v: substitute(factor, v[:, None])[:, 0], a)


def _below(a: Tensor, ridge: float, largest: float, accuracy: float) -> float:
    """The smallest eigenvalue of an H that has no factor: found if rounding explains it, else only known to be less."""
    lift = -2 * lowest_allowed(max(largest, _TINY), len(a), accuracy)
    factor, info = torch.linalg.cholesky_ex(_shifted(a, ridge + lift))
    return -lift if int(info) != 0 else _smallest(a, ridge + lift, factor) - lift


def _shifted(a: Tensor, shift: float) -> Tensor:
    h = a.clone()
    h.diagonal().add_(shift)
    return h
