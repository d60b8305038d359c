r"""(K + ridge I)^{-1} Y by preconditioned conjugate gradients: K enters through products only and is never stored.

Columns of Y share the products but have their own step sizes, and ridges if wanted.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve.low_rank import LowRank, Matmul
from lazyregime.solve.report import SolveReport

Iterating = Callable[[int, float], None]  # (iterations so far, largest relative residual)


@final
class ConjugateGradients:
    """Solves H alpha = Y for H = K + ridge I given v -> K v.

    Args:
        matmul: K times a float64 matrix (n, c).
        size: n.
        ridge: Absolute, not negative; one for all columns of Y, or one for each.
        near: A matrix close to K, whose inverse with the ridge preconditions; None for none.
        tolerance: Of ||H alpha - Y|| / ||Y||, column by column.
        max_iterations: After which the solve fails.
        progress: Called with (iterations so far, largest relative residual of the columns) before each iteration.
    """

    def __init__(
        self,
        matmul: Matmul,
        size: int,
        *,
        ridge: float | Float[Tensor, " k"],
        near: LowRank | None = None,
        tolerance: float = 1e-6,
        max_iterations: int = 1000,
        progress: Iterating | None = None,
    ) -> None:
        self._matmul, self._ridge, self._progress = matmul, ridge, progress
        self._tolerance, self._max_iterations = tolerance, max_iterations
        self._near, self.shift = near, ridge if isinstance(ridge, float | int) else float(ridge.min())
        self.report = SolveReport(
            size=size, ridge=self.shift, jitter=0.0, condition_number=1.0, residual=0.0, method="cg", form="products"
        )

    def solve(self, targets: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """H^{-1} Y; the report gets the iterations, the true residual and the preconditioned condition number.

        Raises:
            LazyRegimeError: If the iterations do not reach the tolerance, or K is not positive.
        """
        y = targets.double()
        norms = y.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)
        x, r = torch.zeros_like(y), y.clone()
        z = self._precondition(r)
        p, rz = z, (r * z).sum(0)
        steps: list[Tensor] = []
        ratios: list[Tensor] = []
        while len(steps) < self._max_iterations:
            largest = float((r.norm(dim=0) / norms).max())
            if self._progress is not None:
                self._progress(len(steps), largest)
            if largest <= self._tolerance:
                break
            hp = self._matmul(p) + self._ridge * p
            curvature = (p * hp).sum(0)
            active = r.norm(dim=0) > 0
            if bool((curvature[active] <= 0).any()) or not bool(torch.isfinite(curvature).all()):
                raise LazyRegimeError(
                    f"The kernel is not positive definite to the accuracy of its products (p^T H p = "
                    f"{float(curvature.min()):.3g} at iteration {len(steps)}); give a larger ridge, or use float64."
                )
            a = torch.where(active, rz / curvature, 0.0)
            x, r = x + a * p, r - a * hp
            z = self._precondition(r)
            following = (r * z).sum(0)
            b = torch.where(rz > 0, following / rz, 0.0)
            p, rz = z + b * p, following
            steps.append(a)
            ratios.append(b)
        residual = float(((self._matmul(x) + self._ridge * x - y).norm(dim=0) / norms).max())
        if not residual <= 10 * self._tolerance:
            raise LazyRegimeError(
                f"Conjugate gradients reached a relative residual of {residual:.3g} in {len(steps)} iterations (wanted "
                f"{self._tolerance:.0e}); they need a ridge > 0 that is not small: give a larger ridge, more "
                "max_iterations, a larger tolerance, or use float64."
            )
        self.report = replace(
            self.report,
            residual=max(residual, self.report.residual),
            misfit=max(residual, self.report.misfit),
            iterations=self.report.iterations + len(steps),
            condition_number=ritz_condition(steps, ratios),
        )
        return x

    def _precondition(self, r: Tensor) -> Tensor:
        return r if self._near is None else self._near.solve(self._ridge, r)

    def inverse(self) -> Tensor:
        """Not to be had without the matrix.

        Raises:
            LazyRegimeError: Always.
        """
        raise LazyRegimeError(
            'The poster protocol, leave-one-out and GCV need the inverse of the gram matrix; use solver="cholesky".'
        )


def ritz_condition(steps: list[Tensor], ratios: list[Tensor]) -> float:
    """Ratio of the extreme Ritz values of the preconditioned matrix: the Lanczos matrix that CG has built."""
    if not steps:
        return 1.0
    a = torch.stack(steps)[:, 0]
    b = torch.stack(ratios)[:, 0]
    length = int((a > 0).sum())
    a, b = a[:length], b[:length]
    diagonal = 1 / a
    diagonal[1:] += b[:-1] / a[:-1]
    off = b[:-1].sqrt() / a[:-1]
    ritz = torch.linalg.eigvalsh(torch.diag(diagonal) + torch.diag(off, 1) + torch.diag(off, -1))
    return float(ritz[-1] / ritz[0])
