r"""The three ways to one solution: dual (n, n), primal (p, p), and products alone.

With an intercept, features are centred on the training samples: K becomes H K H with H = I - 1 1^T / n, which has the
eigenvector 1 with eigenvalue 0; it is lifted to the mean diagonal, which changes nothing else.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel
from lazyregime.machines._problem import Fitted, Problem
from lazyregime.machines._streaming import solve_by_products
from lazyregime.machines.features import AbstractFeatures, add_outer, mirror
from lazyregime.solve import EIGEN_SIZE, leave_one_out, leave_one_out_primal, rounding, solve_path

_CHUNK_BYTES = 256 << 20


def solve(problem: Problem, form: str, *, tolerance: float, max_basis: int, budget: int) -> Fitted:
    """The coefficients for every ridge."""
    if form == "primal":
        return _primal(problem, max_basis)
    return _dual(problem, max_basis) if form == "dual" else solve_by_products(problem, tolerance, budget)


def predict(fitted: Fitted, x: Tensor, which: slice) -> Float[Tensor, "r m k"]:
    """f(x) for some of the ridges, in one pass over the kernel or the features."""
    some, offsets = fitted.coefficients[which], fitted.offsets[which]
    r, size, k = some.shape
    columns = some.permute(1, 0, 2).reshape(size, r * k)
    problem = fitted.problem
    if fitted.report.form == "primal":
        parts = [phi.double() @ columns for phi in _rows_of_features(problem.kernel, x)]
        values = torch.cat(parts)
    else:
        values = problem.kernel.apply(x, problem.samples, columns).double()
    return values.reshape(-1, r, k).permute(1, 0, 2) + offsets[:, None]


def fitted_values(fitted: Fitted) -> Float[Tensor, "r n k"]:
    """F on the training samples."""
    problem = fitted.problem
    if fitted.report.form == "primal":
        return predict(fitted, problem.samples, slice(None))
    shifts = torch.tensor(fitted.shifts, dtype=torch.float64, device=problem.targets.device)
    return problem.targets - shifts[:, None, None] * fitted.coefficients


def left_out(fitted: Fitted) -> Float[Tensor, "r n k"]:
    """What the fit without a sample predicts for it, for each ridge, the constant fitted anew each time.

    Raises:
        LazyRegimeError: If the solve was too large for eigenvalues, or went by products.
    """
    problem = fitted.problem
    if fitted.inverse_diagonals is not None:
        return leave_one_out(fitted.coefficients, problem.targets, fitted.inverse_diagonals)
    if fitted.second_moment is not None:
        return leave_one_out_primal(fitted_values(fitted), problem.targets, _leverages(fitted))
    raise LazyRegimeError(
        f"Leave-one-out needs all eigenvalues of the kernel of at most {EIGEN_SIZE} samples or features, and this fit "
        f"went by {fitted.report.method} ({fitted.report.form}); choose the ridge on validation data, or give one."
    )


def _leverages(fitted: Fitted) -> Float[Tensor, "r n"]:
    """phi_i^T (A + lambda I)^{-1} phi_i of centred features, and 1 / n for the constant, for every ridge."""
    assert fitted.second_moment is not None and fitted.feature_mean is not None
    theta, u = torch.linalg.eigh(fitted.second_moment)
    inverse = 1 / (theta + theta.new_tensor(fitted.shifts)[:, None])  # (r, p)
    problem = fitted.problem
    rows = _rows_of_features(problem.kernel, problem.samples)
    parts = [inverse @ ((phi.double() - fitted.feature_mean) @ u).square().T for phi in rows]
    return torch.cat(parts, dim=1) + float(problem.intercept) / len(problem.samples)


def _dual(problem: Problem, max_basis: int) -> Fitted:
    gram = problem.kernel.gram(problem.samples)
    accuracy = problem.kernel.gram_accuracy(problem.samples) or rounding(gram.dtype)
    gram = gram.double()
    n, lift, means = len(gram), 0.0, gram.mean(0)
    if problem.intercept:
        lift = float(gram.diagonal().mean()) / n
        gram = _centre(gram, means - (means.mean() + lift) / 2)
    path = solve_path(gram, problem.targets - problem.mean, problem.ridges, accuracy=accuracy, max_basis=max_basis)
    offsets = problem.mean.expand(len(problem.ridges), -1)
    diagonals = path.inverse_diagonals
    if problem.intercept:
        # the mean of K alpha, since alpha sums to zero
        offsets = offsets - torch.einsum("n,rnk->rk", means, path.coefficients)
        if diagonals is not None:
            diagonals = diagonals - (1 / (n * (lift * n + diagonals.new_tensor(path.shifts))))[:, None]
    return Fitted(problem, path.coefficients, path.jitters, offsets, path.report, diagonals)


def _centre(gram: Tensor, means: Tensor) -> Tensor:
    """K_ij - m_i - m_j by rows, in a matrix of its own, since the kernel may keep the one that it gave."""
    centred = torch.empty_like(gram)
    for i in range(0, len(gram), 1000):
        torch.sub(gram[i : i + 1000], means + means[i : i + 1000, None], out=centred[i : i + 1000])
    return centred


def _primal(problem: Problem, max_basis: int) -> Fitted:
    kernel, y = problem.kernel, problem.targets - problem.mean
    p, n = problem.num_features or 0, len(problem.samples)
    matrix, rhs, sums = y.new_zeros(p, p), y.new_zeros(p, y.shape[1]), y.new_zeros(p)
    first = 0
    for phi in _rows_of_features(kernel, problem.samples):
        add_outer(matrix, phi.T)
        rhs += phi.double().T @ y[first : first + len(phi)]
        sums += phi.double().sum(0)
        first += len(phi)
    matrix = mirror(matrix)
    if problem.intercept:
        matrix -= torch.outer(sums, sums) / n  # the targets are centred, so the right side is so already
    path = solve_path(matrix, rhs, problem.ridges, form="primal", accuracy=problem.accuracy, max_basis=max_basis)
    mean = sums / n * float(problem.intercept)
    offsets = problem.mean - torch.einsum("p,rpk->rk", mean, path.coefficients)
    kept = matrix if p <= EIGEN_SIZE else None
    return Fitted(problem, path.coefficients, path.jitters, offsets, path.report, second_moment=kept, feature_mean=mean)


def _rows_of_features(kernel: AbstractKernel, x: Tensor) -> Iterator[Tensor]:
    """Phi of some rows at a time."""
    assert isinstance(kernel, AbstractFeatures)
    rows = max(1, _CHUNK_BYTES // (8 * kernel.count(x.shape[1])))
    for some in x.split(rows):
        yield kernel.features(some)
