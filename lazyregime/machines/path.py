r"""(A + lambda I)^{-1} B for a whole path of ridges lambda from one factorization of a symmetric matrix A.

Small matrices: all eigenvalues. Larger ones: one block Krylov space of A for the large ridges, and for the small ones,
which it does not reach, a Cholesky factor at the smallest and a Krylov space of its inverse.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._tensors import symmetric
from lazyregime.kernels.solve import _substitute
from lazyregime.machines._krylov import block_lanczos

EIGEN_SIZE = 3000  # up to this size all eigenvalues take seconds
TOLERANCE = 1e-9  # of the residual: predictions are off by no more than this times ||Y||
RESIDUAL_BOUND = 1e-6
FACTOR_COST = 24  # n / 24 products with a vector take as long as a factor: they wait for memory, measured on two cores
SPAN = 20.0  # ridges that one factor serves: the condition number of the space of its inverse


@final
@dataclass(frozen=True)
class PathReport:
    """What a path took.

    Attributes:
        size: Rows of the matrix that was solved.
        form: "dual", the kernel of the samples; "primal", that of the features; or "products".
        method: "eigenvalues", "krylov", "cholesky", "krylov+cholesky" or "cg".
        residual: The largest relative residual of all ridges, as measured.
        num_factored: Cholesky factors.
        basis_size: Of the Krylov space.
        num_iterations: Of conjugate gradients.
    """

    size: int
    form: str
    method: str
    residual: float
    num_factored: int = 0
    basis_size: int = 0
    num_iterations: int = 0


@dataclass(frozen=True)
class PathSolution:
    """(A + lambda)^{-1} B for each ridge, its report, and diag((A + lambda)^{-1}) where it was had."""

    coefficients: Float[Tensor, "r n k"]
    report: PathReport
    inverse_diagonals: Float[Tensor, "r n"] | None


def solve_path(
    matrix: Float[Tensor, "n n"],
    rhs: Float[Tensor, "n k"],
    ridges: Sequence[float],
    *,
    form: str = "dual",
    solver: str = "auto",
    accuracy: float = 1e-15,
    max_basis: int = 3000,
) -> PathSolution:
    """Solves for every ridge.

    Args:
        matrix: A, positive semi-definite up to the accuracy of its entries.
        rhs: B.
        ridges: Not negative.
        form: For the report.
        solver: "eigenvalues", "krylov", "cholesky" (one factor a ridge), or "auto": by size.
        accuracy: Relative accuracy of the entries of A.
        max_basis: Of the Krylov space.

    Raises:
        LazyRegimeError: If A + lambda I is singular or indefinite for some ridge.
    """
    if solver == "eigenvalues" or (solver == "auto" and len(matrix) <= EIGEN_SIZE):
        return _by_eigenvalues(matrix, rhs, ridges, form, accuracy)
    if float(matrix.diagonal().max()) <= 0:
        _refuse(0.0, 0.0, min(ridges))
    a = matrix.double()
    solution = rhs.new_zeros(len(ridges), *rhs.shape, dtype=torch.float64)
    left, basis, num_factored = list(range(len(ridges))), 0, 0
    if solver != "cholesky":
        krylov = block_lanczos(
            lambda v: a @ v, rhs, ridges, tolerance=TOLERANCE, max_basis=max_basis, enough=_within(ridges, SPAN, len(a))
        )
        solution, basis = krylov.solutions, krylov.basis_size
        left = [i for i in left if not float(krylov.residuals[i]) <= TOLERANCE]
    while left:
        lowest = min(ridges[i] for i in left)
        near = [i for i in left if ridges[i] <= (lowest if solver == "cholesky" else SPAN * lowest)]
        solution[near] = shift_and_invert(a, rhs, [ridges[i] for i in near], max_basis=max_basis)
        left = [i for i in left if i not in near]
        num_factored += 1
    residual = _largest_residual(a, rhs, ridges, solution)
    if not residual <= RESIDUAL_BOUND:
        if min(ridges) == 0:
            _refuse(0.0, float(a.diagonal().max()), 0.0)
        raise LazyRegimeError(
            f"The path of ridges leaves a relative residual of {residual:.3g} (allowed {RESIDUAL_BOUND:.0e}); "
            f"the smallest ridge, {min(ridges):.3g}, is too small for this kernel."
        )
    method = "krylov" if not num_factored else "cholesky" if solver == "cholesky" else "krylov+cholesky"
    return PathSolution(solution, PathReport(len(a), form, method, residual, num_factored, basis), None)


def shift_and_invert(
    a: Float[Tensor, "n n"], rhs: Float[Tensor, "n k"], ridges: Sequence[float], *, max_basis: int = 3000
) -> Float[Tensor, "r n k"]:
    r"""For ridges lambda near the smallest, s: one Cholesky factor of A + s, and a Krylov space of B = (A + s)^{-1}.

    (A + lambda)^{-1} Y = mu B (B + mu)^{-1} Y with mu = 1/(lambda - s), so B + mu takes the place of A + lambda; its
    condition number is lambda/s, and the last product with B makes its residual that of A + lambda.

    Raises:
        LazyRegimeError: If A + s is not positive definite.
    """
    s = min(ridges)
    h = a.clone()
    h.diagonal().add_(s)
    factor, info = torch.linalg.cholesky_ex(h)
    largest = float(h.diagonal().max())
    del h
    pivot = float(factor.diagonal().min()) ** 2
    if int(info) != 0 or pivot <= len(a) * 1e-15 * largest:  # a pivot of rounding
        _refuse(pivot, largest, s)
    y = rhs.double()
    above = [ridge for ridge in ridges if ridge > s]
    mu = [1 / (ridge - s) for ridge in above]
    columns = [y]
    if above:
        inner = block_lanczos(lambda v: _substitute(factor, v), y, mu, tolerance=TOLERANCE, max_basis=max_basis)
        columns += [m * z for m, z in zip(mu, inner.solutions, strict=True)]
    done = _substitute(factor, torch.cat(columns, 1)).reshape(len(y), len(columns), -1).permute(1, 0, 2)
    order = [0 if ridge == s else 1 + above.index(ridge) for ridge in ridges]
    return done[order]


def _within(ridges: Sequence[float], span: float, size: int) -> Callable[[Tensor, int], bool]:
    """Whether one factor would serve all ridges not yet solved, and the space has cost as much as a factor does."""

    def enough(residuals: Tensor, basis: int) -> bool:
        left = [ridge for ridge, residual in zip(ridges, residuals, strict=True) if not float(residual) <= TOLERANCE]
        return basis >= size / FACTOR_COST and max(left) <= span * min(left)

    return enough


def _by_eigenvalues(matrix: Tensor, rhs: Tensor, ridges: Sequence[float], form: str, accuracy: float) -> PathSolution:
    a = symmetric(matrix, "kernel matrix")
    theta, u = torch.linalg.eigh(a)
    n = len(theta)
    # rounding of the entries moves an eigenvalue by about sqrt(n) times its size, that of the algorithm by n
    noise = max(accuracy * n**0.5, 1e-15 * n) * max(float(theta[-1]), 0.0)
    if float(theta[-1]) <= 0 or float(theta[0]) < -10 * noise:
        _refuse(float(theta[0]), float(theta[-1]), min(ridges))
    for ridge in ridges:
        if float(theta[0]) + ridge <= noise:
            _refuse(float(theta[0]), float(theta[-1]), ridge, 2 * (noise - min(float(theta[0]), 0.0)))
    inverse = 1 / (theta.clamp_min(0) + torch.tensor(list(ridges), dtype=theta.dtype)[:, None])  # (r, n)
    solution = torch.stack([u @ (s[:, None] * (u.T @ rhs.double())) for s in inverse])
    report = PathReport(n, form, "eigenvalues", _largest_residual(a, rhs, ridges, solution))
    return PathSolution(solution, report, inverse @ u.square().T)


def _largest_residual(a: Tensor, rhs: Tensor, ridges: Sequence[float], solution: Tensor) -> float:
    r, n, k = solution.shape
    product = (a @ solution.permute(1, 0, 2).reshape(n, r * k)).reshape(n, r, k).permute(1, 0, 2)
    lam = torch.tensor(list(ridges), dtype=torch.float64)[:, None, None]
    norms = (product + lam * solution - rhs).flatten(1).norm(dim=1)
    return float(norms.max() / rhs.double().norm().clamp_min(1e-300))


def _refuse(smallest: float, largest: float, ridge: float, enough: float = 0.0) -> None:
    if largest <= 0:
        raise LazyRegimeError(
            "The kernel matrix is zero: the features of all samples have zero norm, so there is nothing to fit with; "
            "check the inputs (all zero?) and the activation."
        )
    raise LazyRegimeError(
        f"The kernel matrix is singular at ridge {ridge:.3g}: its smallest eigenvalue, {smallest:.3g}, is lost in the "
        f"rounding of its largest, {largest:.3g} (samples that occur twice, or fewer features than samples?); give a "
        f"ridge of {max(enough, max(largest, 0.0) * 1e-10):.1g} or more, or drop what is redundant."
    )
