"""A whole path of ridges against a float64 solve each, by every method, and what is singular."""

import numpy as np
import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.solve import solve_path
from lazyregime.solve.krylov import block_lanczos
from lazyregime.solve.krylov_path import shift_and_invert

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
    factor = torch.linalg.cholesky(a + some[0] * torch.eye(200))
    got = shift_and_invert(factor, some[0], y, some[::-1]).flip(0)
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


@pytest.mark.parametrize("n", [80, 1100])  # all eigenvalues, and Lanczos iterations with a lifted factor
def test_a_singular_matrix_gets_the_same_jitter_at_ridge_zero_by_every_method(n):
    x = torch.randn(n, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a, y, ridges = x @ x.T, targets(n), [0.0, 1e-3]
    paths = {solver: solve_path(a, y, ridges, solver=solver) for solver in ("eigenvalues", "krylov", "cholesky")}
    largest = float(torch.linalg.eigvalsh(a)[-1])
    for path in paths.values():
        assert path.jitters[1] == 0 and path.jitters[0] == pytest.approx(1e-9 * largest, rel=0.05)
        assert path.report.jitter == path.jitters[0] and path.report.residual < 1e-6
        assert path.report.condition_number > 1e13 and path.report.caution is not None
        # the targets have a part that five features cannot fit
        away = y - x @ torch.linalg.lstsq(x, y).solution
        assert path.report.misfit == pytest.approx(float(away.norm() / y.norm()), rel=1e-3)
        torch.testing.assert_close(a @ path.coefficients[0], y - away, atol=1e-4, rtol=0)


def test_ridges_of_one_path_that_need_a_jitter_share_a_factor_and_none_is_left_out():
    x = torch.randn(60, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a, y = x @ x.T, targets(60)
    largest = float(torch.linalg.eigvalsh(a)[-1])
    ridges = [c * 1e-9 * largest for c in (0.0, 0.3, 0.9, 1.5, 1e4)]
    krylov, direct = (solve_path(a, y, ridges, solver=solver) for solver in ("krylov", "eigenvalues"))
    assert [j > 0 for j in krylov.jitters] == [j > 0 for j in direct.jitters] == [True, True, True, False, False]
    torch.testing.assert_close(a @ krylov.coefficients, a @ direct.coefficients, atol=1e-4, rtol=0)


def test_an_indefinite_and_a_zero_matrix_are_refused():
    for solver in ("eigenvalues", "krylov", "cholesky"):
        for n in (20, 1100):
            with pytest.raises(LazyRegimeError, match="not positive semi-definite"):
                solve_path(torch.diag(torch.linspace(-1, 1, n, dtype=torch.float64)), targets(n), [1e-3], solver=solver)
        with pytest.raises(LazyRegimeError, match="zero"):
            solve_path(torch.zeros(20, 20, dtype=torch.float64), targets(20), [1.0], solver=solver)


def test_the_condition_number_is_that_of_the_smallest_ridge():
    for n in (300, 1100):
        a, y = kernel(n), targets(n)
        theta = torch.linalg.eigvalsh(a)
        expected = float((theta[-1] + RIDGES[0]) / (theta[0] + RIDGES[0]))
        for solver in ("eigenvalues", "krylov", "cholesky"):
            report = solve_path(a, y, RIDGES, solver=solver).report
            assert report.condition_number == pytest.approx(expected, rel=0.02), solver
            assert report.ridge == RIDGES[0] and report.jitter == 0 and report.caution is None
