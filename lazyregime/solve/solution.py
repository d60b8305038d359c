"""(A + lambda)^{-1} B for each lambda of a path, and how well it solves."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.solve.report import SolveReport

_TINY = torch.finfo(torch.float64).tiny


@dataclass(frozen=True)
class PathSolution:
    """What a path of ridges gave.

    Attributes:
        coefficients: (A + shift)^{-1} B for each ridge.
        ridges: The lambdas.
        jitters: What was added to the diagonal beyond them; mostly 0.
        report: What it took.
        inverse_diagonals: diag((A + shift)^{-1}), where it was had.
    """

    coefficients: Float[Tensor, "r n k"]
    ridges: Sequence[float]
    jitters: Sequence[float]
    report: SolveReport
    inverse_diagonals: Float[Tensor, "r n"] | None = None

    @property
    def shifts(self) -> list[float]:
        """What is on the diagonal in all."""
        return [r + j for r, j in zip(self.ridges, self.jitters, strict=True)]


def residuals_of(
    a: Float[Tensor, "n n"], rhs: Float[Tensor, "n k"], shifts: Sequence[float], solution: Float[Tensor, "r n k"]
) -> Float[Tensor, " r"]:
    """||(A + shift) alpha - B|| / ||B|| for each shift, as it is."""
    r, n, k = solution.shape
    product = (a @ solution.permute(1, 0, 2).reshape(n, r * k)).reshape(n, r, k).permute(1, 0, 2)
    errors = product + product.new_tensor(shifts)[:, None, None] * solution - rhs
    return errors.flatten(1).norm(dim=1) / rhs.norm().clamp_min(_TINY)


def misfit_of(
    rhs: Float[Tensor, "n k"],
    jitters: Sequence[float],
    solution: Float[Tensor, "r n k"],
    residuals: Float[Tensor, " r"],
) -> float:
    """The largest residual of the systems without their jitters."""
    norms = solution.flatten(1).norm(dim=1) / rhs.norm().clamp_min(_TINY)
    return float((residuals + torch.tensor(jitters, dtype=norms.dtype, device=norms.device) * norms).max())
