r"""alpha = (K + ridge I)^{-1} Y by Cholesky in float64, with what it took: condition number, jitter, residual.

Nothing is guessed: the smallest and largest eigenvalues are computed (all of them for small matrices, by Lanczos
iterations with the factor for large ones). A matrix whose smallest eigenvalue is lost in the rounding of its entries
gets a jitter that makes the solve meaningful, and reports it; one that is indefinite beyond rounding is refused.
"""

from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._lanczos import extreme_eigenvalues
from lazyregime.kernels._tensors import as_float64, rounding, symmetric

DENSE_SPECTRUM = 1000  # up to this size all eigenvalues cost less than a second
RESIDUAL_BOUND = 1e-6
_FLOOR = 1e-12  # of lambda_min / lambda_max; below it a float64 solve leaves a residual that shows
_LIFT = 100.0  # the jitter lifts the smallest eigenvalue this far above the rounding of the entries


@dataclass(frozen=True)
class SolveReport:
    """What a solve took.

    Attributes:
        size: Rows of the matrix that was solved.
        ridge: The absolute ridge on the diagonal.
        jitter: What was added to the diagonal beyond the ridge; 0 if nothing was needed.
        condition_number: lambda_max / lambda_min of K + ridge I before any jitter; infinite if it is not positive.
        residual: ||H alpha - Y||_F / ||Y||_F of the solved system, the largest seen.
        method: "cholesky" or "cg".
        iterations: Of the conjugate gradients, else 0.
    """

    size: int
    ridge: float
    jitter: float
    condition_number: float
    residual: float
    method: str
    iterations: int = 0


@final
class CholeskySolver:
    """H = K + (ridge + jitter) I = L L^T, factored once.

    Memory peaks at three (n, n) float64 matrices, time is n^3/3 multiplications.

    Args:
        gram: Symmetric (n, n) kernel matrix of any real dtype.
        ridge: Absolute, not negative.
        accuracy: Relative accuracy of the entries of `gram`; the rounding of its dtype if not given. Say 1e-7 for a
            float64 matrix that was made from float32 features.

    Raises:
        LazyRegimeError: If the matrix is not finite, not symmetric or not positive semi-definite.
    """

    def __init__(self, gram: Float[Tensor, "n n"], *, ridge: float = 0.0, accuracy: float | None = None) -> None:
        self.h = symmetric(gram, "gram matrix")
        self.h.diagonal().add_(ridge)
        n = self.h.shape[0]
        eps = max(rounding(gram.dtype) if accuracy is None else accuracy, n * rounding(torch.float64), _FLOOR)
        self._factor, smallest, largest = _factor(self.h)
        jitter = 0.0
        if smallest < eps * largest or largest <= 0:
            if largest <= 0 or smallest < -10 * n**0.5 * eps * largest:
                raise LazyRegimeError(
                    f"The gram matrix is not positive semi-definite: its eigenvalues (with ridge {ridge:.3g}) run from "
                    f"{smallest:.4g} to {largest:.4g}, which rounding cannot explain. Check that it is the kernel of "
                    "one set of samples with themselves, or give a ridge."
                )
            jitter = _LIFT * eps * largest - smallest
            self.h.diagonal().add_(jitter)
            self._factor = torch.linalg.cholesky(self.h)
        self.report = SolveReport(
            size=n, ridge=ridge, jitter=jitter, method="cholesky", residual=0.0,
            condition_number=largest / smallest if smallest > 0 else float("inf"),
        )  # fmt: skip

    def solve(self, targets: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """H^{-1} Y, refined once and its residual checked.

        Raises:
            LazyRegimeError: If the relative residual exceeds 1e-6.
        """
        y = as_float64(targets, "targets").to(self.h.device)
        solution = _substitute(self._factor, y)
        solution += _substitute(self._factor, y - self.h @ solution)
        residual = float((self.h @ solution - y).norm() / y.norm().clamp_min(torch.finfo(torch.float64).tiny))
        if not residual <= RESIDUAL_BOUND:
            raise LazyRegimeError(
                f"The kernel solve leaves a relative residual of {residual:.3g} (allowed {RESIDUAL_BOUND:.0e}) at "
                f"condition number {self.report.condition_number:.3g}; give a ridge, for instance relative_ridge=1e-6."
            )
        self.report = replace(self.report, residual=max(residual, self.report.residual))
        return solution

    def inverse(self) -> Float[Tensor, "n n"]:
        """H^{-1}, dense."""
        return torch.cholesky_inverse(self._factor)


def _factor(h: Tensor) -> tuple[Tensor, float, float]:
    """Cholesky factor (meaningless if the smallest eigenvalue is not positive), smallest and largest eigenvalue."""
    factor, info = torch.linalg.cholesky_ex(h)
    if h.shape[0] <= DENSE_SPECTRUM or int(info) != 0:
        eigenvalues = torch.linalg.eigvalsh(h)
        smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
        return factor, smallest if int(info) == 0 else min(smallest, 0.0), largest
    largest = extreme_eigenvalues(lambda v: h @ v, h)
    inverse_smallest = extreme_eigenvalues(lambda v: _substitute(factor, v[:, None])[:, 0], h)
    return factor, 1 / inverse_smallest, largest


def _substitute(factor: Tensor, y: Tensor) -> Tensor:
    """(L L^T)^{-1} y; several times faster than `torch.cholesky_solve`, which copies the factor."""
    forward = torch.linalg.solve_triangular(factor, y, upper=False)
    return torch.linalg.solve_triangular(factor.mT, forward, upper=True)
