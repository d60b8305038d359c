r"""(K + ridge I)^{-1} Y by preconditioned conjugate gradients: K enters through products only and is never stored.

The preconditioner is a randomized Nystrom approximation, K ~ U Lambda U^T from r products with random vectors
(Frangella, Tropp & Udell, 2110.02820). Columns of Y share the products but have their own step sizes.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.solve import SolveReport

Matmul = Callable[[Tensor], Tensor]
Iterating = Callable[[int, float], None]  # (iterations so far, largest relative residual)


@final
class ConjugateGradients:
    """Solves H alpha = Y for H = K + ridge I given v -> K v.

    Args:
        matmul: K times a float64 matrix (n, c).
        size: n.
        ridge: Absolute, not negative; one for all columns of Y, or one for each.
        device: Where the vectors live.
        tolerance: Of ||H alpha - Y|| / ||Y||, column by column.
        max_iterations: After which the solve fails.
        rank: Of the preconditioner; 0 for none.
        accuracy: Relative accuracy of the products, which stabilizes the preconditioner.
        precondition: v -> P^{-1} v, in the place of that one.
        progress: Called with (iterations so far, largest relative residual of the columns) before each iteration.
    """

    def __init__(
        self,
        matmul: Matmul,
        size: int,
        *,
        ridge: float | Float[Tensor, " k"],
        device: torch.device,
        tolerance: float = 1e-6,
        max_iterations: int = 1000,
        rank: int = 50,
        accuracy: float = 1e-7,
        precondition: Matmul | None = None,
        progress: Iterating | None = None,
    ) -> None:
        self._matmul, self._ridge, self._progress = matmul, ridge, progress
        self._tolerance, self._max_iterations = tolerance, max_iterations
        smallest = ridge if isinstance(ridge, float | int) else float(ridge.min())
        self._precondition = precondition or nystrom(matmul, size, min(rank, size // 4), smallest, accuracy, device)
        self.report = SolveReport(
            size=size, ridge=smallest, jitter=0.0, condition_number=1.0, residual=0.0, method="cg", iterations=0
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
                f"{self._tolerance:.0e}); give a larger ridge, more max_iterations, a larger tolerance, or use float64."
            )
        self.report = replace(
            self.report,
            residual=max(residual, self.report.residual),
            iterations=self.report.iterations + len(steps),
            condition_number=ritz_condition(steps, ratios),
        )
        return x

    def inverse(self) -> Tensor:
        """Not to be had without the matrix.

        Raises:
            LazyRegimeError: Always.
        """
        raise LazyRegimeError(
            'The poster protocol, leave-one-out and GCV need the inverse of the gram matrix; use solver="cholesky".'
        )


def nystrom(matmul: Matmul, n: int, rank: int, ridge: float, accuracy: float, device: torch.device) -> Matmul:
    """The map v -> P^{-1} v with P the rank-r approximation of K + ridge I, scaled to be the identity on the rest."""
    if rank == 0:
        return lambda v: v
    generator = torch.Generator().manual_seed(0)
    omega, _ = torch.linalg.qr(torch.randn(n, rank, generator=generator, dtype=torch.float64).to(device))
    sketch = matmul(omega)
    shift = accuracy * float(sketch.norm())
    sketch = sketch + shift * omega
    core = omega.T @ sketch
    factor, info = torch.linalg.cholesky_ex((core + core.T) / 2)
    if int(info) != 0:
        raise LazyRegimeError("The kernel is not positive semi-definite: random vectors have negative products.")
    u, s, _ = torch.linalg.svd(torch.linalg.solve_triangular(factor.T, sketch, upper=True, left=False), False)
    lam = (s**2 - shift).clamp_min(0) + ridge
    weights = float(lam[-1].clamp_min(shift)) / lam.clamp_min(shift) - 1
    return lambda v: v + u @ (weights[:, None] * (u.T @ v))


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
