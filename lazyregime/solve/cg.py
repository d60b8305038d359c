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
from lazyregime.solve.ends import SpectrumEnds
from lazyregime.solve.low_rank import LowRank, Matmul
from lazyregime.solve.report import SolveReport
from lazyregime.solve.stability import check_not_zero

_CURE = (
    "they need a ridge > 0 that is not small: give a larger ridge, more max_iterations, a larger tolerance, or use "
    "float64"
)

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
        num_probes: Vectors that go along as columns for the condition number; 0 where a column costs a product of its
            own, and then it may come out some per cent smaller.
        restrict: Takes vectors into the subspace that K acts in, if that is not everything.
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
        num_probes: int = 4,
        restrict: Matmul | None = None,
        progress: Iterating | None = None,
    ) -> None:
        self._matmul, self._ridge, self._progress = matmul, ridge, progress
        self._tolerance, self._max_iterations, self._num_probes = tolerance, max_iterations, num_probes
        self._restrict = restrict
        self._near, self.shift = near, ridge if isinstance(ridge, float | int) else float(ridge.min())
        self.report = SolveReport(
            size=size, ridge=self.shift, jitter=0.0, condition_number=1.0, residual=0.0, method="cg", form="products"
        )

    def solve(self, targets: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """H^{-1} Y; the report gets the iterations, the true residual and the condition number of H.

        Raises:
            LazyRegimeError: If the iterations do not reach the tolerance, or K is zero or not positive.
        """
        y, ridge = targets.double(), self._ridge
        norms = y.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)
        ends = SpectrumEnds(self._matmul, self.shift, self._near, self._probes(y))
        watched = int((y.norm(dim=0) * (torch.as_tensor(ridge, device=y.device) <= self.shift)).argmax())
        x, r = torch.zeros_like(y), y.clone()
        z = self._precondition(r)
        p, rz, count = z, (r * z).sum(0), 0
        while count < self._max_iterations:
            left = r.norm(dim=0) / norms
            if self._progress is not None:
                self._progress(count, float(left.max()))
            if float(left.max()) <= self._tolerance:
                break
            hp = ends.product(p) + ridge * p
            curvature = (p * hp).sum(0)
            active = left > 1e-3 * self._tolerance  # beyond it directions are rounding
            if bool((curvature[active] <= 0).any()) or not bool(torch.isfinite(curvature).all()):
                raise LazyRegimeError(
                    f"Conjugate gradients: the kernel is not positive definite to the accuracy of its products "
                    f"(p^T H p = {float(curvature.min()):.3g} at iteration {count}); {_CURE}."
                )
            if bool(active[watched]):
                ends.see(p[:, watched], hp[:, watched])
            a = torch.where(active, rz / curvature, 0.0)
            x, r = x + a * p, r - a * hp
            z = self._precondition(r)
            following = (r * z).sum(0)
            b = torch.where(active & (rz > 0), following / rz, 0.0)
            p, rz, count = z + b * p, following, count + 1
        residual = float(((self._matmul(x) + ridge * x - y).norm(dim=0) / norms).max())
        condition = ends.condition_number()
        check_not_zero(torch.tensor(ends.largest))
        if not residual <= 10 * self._tolerance:
            raise LazyRegimeError(
                f"Conjugate gradients reached a relative residual of {residual:.3g} in {count} iterations (wanted "
                f"{self._tolerance:.0e}) at a condition number of {condition:.3g} or more; {_CURE}."
            )
        self.report = replace(
            self.report,
            residual=max(residual, self.report.residual),
            misfit=max(residual, self.report.misfit),
            iterations=self.report.iterations + count,
            condition_number=max(condition, self.report.condition_number),
        )
        return x

    def _probes(self, y: Tensor) -> Float[Tensor, "n c"]:
        generator = torch.Generator().manual_seed(0)
        v = torch.randn(len(y), self._num_probes, generator=generator, dtype=torch.float64).to(y)
        return v if self._restrict is None else self._restrict(v)

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
