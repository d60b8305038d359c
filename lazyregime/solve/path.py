r"""(A + lambda I)^{-1} B for a path of ridges lambda from as few factorizations of a symmetric matrix A as can be.

One ridge: a Cholesky factor. Several, of a small matrix: all eigenvalues. Of a larger one: a Krylov space of A and a
Cholesky factor or two (`krylov_path`).
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.solve.cholesky import CholeskySolver
from lazyregime.solve.eigenvalues import solve_by_eigenvalues
from lazyregime.solve.krylov_path import solve_by_krylov
from lazyregime.solve.report import SolveReport
from lazyregime.solve.solution import PathSolution
from lazyregime.solve.tensors import as_float64, rounding, symmetric

EIGEN_SIZE = 3000  # up to this size all eigenvalues take seconds


def solve_path(
    matrix: Float[Tensor, "n n"],
    rhs: Float[Tensor, "n k"],
    ridges: Sequence[float],
    *,
    form: str = "dual",
    solver: str = "auto",
    accuracy: float | None = None,
    max_basis: int = 3000,
) -> PathSolution:
    """Solves for every ridge.

    Args:
        matrix: A, positive semi-definite up to the accuracy of its entries.
        rhs: B.
        ridges: Not negative.
        form: For the report; "dual" asks for the diagonals of the inverse, where they cost no more than a solve.
        solver: "eigenvalues", "krylov", "cholesky" (one factor a ridge), or "auto": by size and number.
        accuracy: Relative accuracy of the entries of A; the rounding of its dtype if not given.
        max_basis: Of the Krylov space.

    Raises:
        LazyRegimeError: If A is no kernel matrix, or some ridge is too small for its residual.
    """
    eps = rounding(matrix.dtype) if accuracy is None else accuracy
    y = as_float64(rhs, "targets").to(matrix.device)
    if solver == "auto":
        solver = "cholesky" if len(set(ridges)) == 1 else "eigenvalues" if len(matrix) <= EIGEN_SIZE else "krylov"
    if solver == "cholesky":
        return _by_factors(matrix, y, ridges, form, eps)
    a = symmetric(matrix, "kernel matrix")
    if solver == "eigenvalues":
        return solve_by_eigenvalues(a, y, ridges, accuracy=eps, form=form)
    return solve_by_krylov(a, y, ridges, accuracy=eps, form=form, max_basis=max_basis)


def _by_factors(matrix: Tensor, y: Tensor, ridges: Sequence[float], form: str, accuracy: float) -> PathSolution:
    done: dict[float, tuple[Tensor, float, Tensor | None]] = {}
    report: SolveReport | None = None
    for ridge in sorted(set(ridges)):  # one factor at a time
        solver = CholeskySolver(matrix, ridge=ridge, accuracy=accuracy, form=form)
        solution = solver.solve(y)
        cheap = form == "dual" and len(matrix) <= EIGEN_SIZE
        done[ridge] = (solution, solver.report.jitter, solver.inverse().diagonal().clone() if cheap else None)
        report = solver.report if report is None else _worse(report, solver.report)
    assert report is not None
    solutions, jitters, diagonals = zip(*(done[ridge] for ridge in ridges), strict=True)
    had = None if diagonals[0] is None else torch.stack(diagonals)
    return PathSolution(torch.stack(solutions), ridges, jitters, report, had)


def _worse(first: SolveReport, other: SolveReport) -> SolveReport:
    """The report of the smallest ridge, with the largest residuals and all factors."""
    return replace(
        first,
        residual=max(first.residual, other.residual),
        misfit=max(first.misfit, other.misfit),
        num_factored=first.num_factored + other.num_factored,
    )
