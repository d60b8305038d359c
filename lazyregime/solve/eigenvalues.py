r"""(A + lambda I)^{-1} B = U (Theta + lambda)^{-1} U^T B for every lambda, from all eigenvalues of A = U Theta U^T."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.solve.report import SolveReport
from lazyregime.solve.solution import PathSolution, misfit_of, residuals_of
from lazyregime.solve.stability import check_not_zero, condition_number, needed_jitter


def solve_by_eigenvalues(
    a: Float[Tensor, "n n"], rhs: Float[Tensor, "n k"], ridges: Sequence[float], *, accuracy: float, form: str
) -> PathSolution:
    """The solution for every ridge, with diag((A + lambda)^{-1}), which costs nothing more.

    Raises:
        LazyRegimeError: If A + lambda I is indefinite for some ridge, or A is zero.
    """
    check_not_zero(a.diagonal())
    theta, u = torch.linalg.eigh(a)
    n, (lowest, highest) = len(a), (float(theta[0]), float(theta[-1]))
    jitters = [needed_jitter(lowest + r, highest + r, ridge=r, size=n, accuracy=accuracy) for r in ridges]
    shifts = [r + j for r, j in zip(ridges, jitters, strict=True)]
    inverse = 1 / (theta + theta.new_tensor(shifts)[:, None])  # (r, n)
    solution = torch.stack([u @ (s[:, None] * (u.T @ rhs)) for s in inverse])
    for i, shift in enumerate(shifts):  # refined once, as rounding shows at large condition numbers
        error = rhs - a @ solution[i] - shift * solution[i]
        solution[i] += u @ (inverse[i][:, None] * (u.T @ error))
    residuals, ridge = residuals_of(a, rhs, shifts, solution), min(ridges)
    report = SolveReport(
        size=n, ridge=ridge, jitter=max(jitters), residual=float(residuals.max()), method="eigenvalues", form=form,
        condition_number=condition_number(lowest + ridge, highest + ridge),
        misfit=misfit_of(rhs, jitters, solution, residuals),
    )  # fmt: skip
    return PathSolution(solution, ridges, jitters, report, inverse @ u.square().T)
