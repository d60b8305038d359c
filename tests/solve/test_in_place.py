"""A Cholesky factor in the memory of its matrix: the same solutions, residuals and refusals."""

import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import KernelRegression
from lazyregime.solve import CholeskySolver
from lazyregime.solve.in_place import Overwritten

DRAW = torch.Generator().manual_seed(0)


def kernel(n, rank=None):
    x = torch.randn(n, rank or 2 * n, generator=DRAW, dtype=torch.float64)
    k = x @ x.T / x.shape[1]
    return (k + k.T) / 2  # exactly


@pytest.mark.parametrize("n", [1, 5, 16, 37])
@pytest.mark.parametrize("block", [1, 4, 16, 64])
def test_factor_and_matrix_lie_in_one(n, block):
    k = kernel(n)
    kept, v = Overwritten(k.clone(), block=block), torch.randn(n, 3, generator=DRAW, dtype=torch.float64)
    torch.testing.assert_close(kept.multiply(v), k @ v)
    assert kept.factor(0.5)
    expected = torch.linalg.cholesky(k + 0.5 * torch.eye(n))
    torch.testing.assert_close(kept.matrix.tril(), expected)
    torch.testing.assert_close(kept.solve(v), torch.cholesky_solve(v, expected))
    assert kept.smallest() == pytest.approx(float(torch.linalg.eigvalsh(k)[0]) + 0.5, rel=2e-2)
    assert torch.equal(kept.matrix.triu(1), k.triu(1))
    torch.testing.assert_close(kept.multiply(v), k @ v)
    kept.restore()
    assert torch.equal(kept.matrix, k)
    assert not kept.factor(-10 * float(k.diagonal().max())) and torch.equal(kept.matrix, k)


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
@pytest.mark.parametrize("rank", [None, 20])
def test_the_solver_solves_the_same_and_reports_the_same(rank, ridge):
    k, y = kernel(60, rank), torch.randn(60, 2, generator=DRAW, dtype=torch.float64)
    plain, there = CholeskySolver(k, ridge=ridge), CholeskySolver(k.clone(), ridge=ridge, overwrite=True)
    expected, found = plain.solve(y), there.solve(y)
    # a jitter is known to the accuracy of the smallest eigenvalue
    assert there.report.jitter == pytest.approx(plain.report.jitter, rel=1e-2, abs=1e-15)
    assert bool(plain.report.jitter) == (rank == 20 and ridge == 0)
    torch.testing.assert_close(found, expected, rtol=2e-2 if plain.report.jitter else 1e-9, atol=1e-9)
    assert there.report.residual <= 3 * plain.report.residual + 1e-14
    assert there.report.condition_number == pytest.approx(plain.report.condition_number, rel=5e-2)
    residual = k @ found + there.shift * found - y  # of the matrix that was given, which is not there any more
    assert float(residual.norm() / y.norm()) == pytest.approx(there.report.residual, rel=0.3, abs=1e-12)
    torch.testing.assert_close(there.inverse() @ y, found, rtol=1e-3 if plain.report.jitter else 1e-9, atol=1e-9)


def test_what_is_no_kernel_is_refused():
    k = kernel(30) - 0.5 * torch.eye(30)
    with pytest.raises(LazyRegimeError, match="not positive semi-definite"):
        CholeskySolver(k, overwrite=True)


def test_a_regression_overwrites_the_matrix_that_it_was_given_and_no_other():
    k, labels = kernel(40) + torch.eye(40), torch.arange(40) % 3
    expected = KernelRegression(n_outputs=3, ridge=1e-2, solver="cholesky").fit_gram(k, labels).predict_gram(k)
    given = k.clone()
    fit = KernelRegression(n_outputs=3, ridge=1e-2, solver="cholesky", overwrite=True).fit_gram(given, labels)
    torch.testing.assert_close(fit.predict_gram(k), expected, rtol=1e-9, atol=1e-9)
    assert not torch.equal(given, k)
    kept = k.clone()
    KernelRegression(n_outputs=3, ridge=1e-2, solver="cholesky").fit_gram(kept, labels)
    assert torch.equal(kept, k)
