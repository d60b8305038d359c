"""A whole path of ridges against a float64 solve each, by every method, and what is singular."""

import numpy as np
import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.machines._krylov import block_lanczos
from lazyregime.machines.path import shift_and_invert, solve_path

RIDGES = (1e-4, 3e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)


def kernel(n: int, decay: float = 1.5, seed: int = 0) -> torch.Tensor:
    """A random matrix with eigenvalues n / j^decay."""
    q, _ = torch.linalg.qr(torch.randn(n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
    return (q * (n / torch.arange(1.0, n + 1, dtype=torch.float64) ** decay)) @ q.T


def reference(a: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    return np.stack([np.linalg.solve(a.numpy() + r * np.eye(len(a)), y.numpy()) for r in RIDGES])


def targets(n: int) -> torch.Tensor:
    return torch.randn(n, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("solver", ["eigenvalues", "krylov", "cholesky"])
def test_every_method_gives_the_solution(solver):
    a, y = kernel(300), targets(300)
    path = solve_path(a, y, RIDGES, solver=solver)
    expected = reference(a, y)
    scale = np.abs(expected).max((1, 2), keepdims=True)
    np.testing.assert_allclose(path.coefficients.numpy() / scale, expected / scale, atol=1e-7)
    np.testing.assert_allclose((a @ path.coefficients).numpy(), a.numpy() @ expected, atol=2e-8)
    assert path.report.residual < 1e-8


def test_a_single_target():
    a, y = kernel(300), targets(300)[:, :1]
    path = solve_path(a, y, RIDGES, solver="krylov")
    np.testing.assert_allclose((a @ path.coefficients).numpy(), a.numpy() @ reference(a, y), atol=2e-8)


def test_large_ridges_take_products_alone_and_small_ones_a_factor():
    a, y = kernel(600), targets(600)
    assert solve_path(a, y, (100.0, 1000.0), solver="krylov").report.method == "krylov"
    few = solve_path(a, y, RIDGES, solver="krylov", max_basis=200).report
    assert few.method == "krylov+cholesky" and 1 <= few.num_factored < len(RIDGES) and few.basis_size <= 200


def test_shift_and_invert_alone():
    a, y = kernel(200), targets(200)
    some = (1e-3, 2e-3, 1e-2)
    expected = np.stack([np.linalg.solve(a.numpy() + r * np.eye(200), y.numpy()) for r in some])
    got = shift_and_invert(a, y, some[::-1]).flip(0)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


def test_krylov_residuals_are_true_and_fall():
    a, y = kernel(400), targets(400)
    short, long = (block_lanczos(lambda v: a @ v, y, RIDGES, max_basis=size) for size in (40, 120))
    for solution in (short, long):
        for alpha, ridge, residual in zip(solution.solutions, RIDGES, solution.residuals, strict=True):
            true = float((a @ alpha + ridge * alpha - y).norm() / y.norm())
            assert true == pytest.approx(float(residual), rel=1e-4, abs=1e-11)
    assert bool((long.residuals < short.residuals).all())


def test_targets_that_repeat_or_vanish_are_no_trouble():
    a, y = kernel(50), targets(50)
    doubled = torch.cat([y, y[:, :1], torch.zeros(50, 1, dtype=torch.float64)], 1)
    path = block_lanczos(lambda v: a @ v, doubled, [1e-2])
    expected = np.linalg.solve(a.numpy() + 1e-2 * np.eye(50), doubled.numpy())
    np.testing.assert_allclose(path.solutions[0].numpy(), expected, atol=1e-8)
    assert not block_lanczos(lambda v: a @ v, torch.zeros(50, 2, dtype=torch.float64), [1.0]).solutions.any()


def test_space_ends_where_the_matrix_has_few_eigenvalues():
    a = torch.diag(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64).repeat(40))
    path = block_lanczos(lambda v: a @ v, targets(120), [0.5])
    assert path.basis_size == 12 and float(path.residuals.max()) < 1e-12  # three powers of four targets


@pytest.mark.parametrize("solver", ["eigenvalues", "krylov", "cholesky"])
def test_a_singular_matrix_is_refused_at_ridge_zero(solver):
    x = torch.randn(80, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with pytest.raises(LazyRegimeError, match="singular at ridge 0"):
        solve_path(x @ x.T, targets(80), [0.0], solver=solver)
    assert solve_path(x @ x.T, targets(80), [1e-3], solver=solver).report.residual < 1e-8


def test_an_indefinite_and_a_zero_matrix_are_refused():
    with pytest.raises(LazyRegimeError, match="singular"):
        solve_path(torch.diag(torch.linspace(-1, 1, 20, dtype=torch.float64)), targets(20), [1e-3])
    for solver in ("eigenvalues", "krylov"):
        with pytest.raises(LazyRegimeError, match="zero"):
            solve_path(torch.zeros(20, 20, dtype=torch.float64), targets(20), [1.0], solver=solver)
