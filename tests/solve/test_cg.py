"""Conjugate gradients: the condition number that they report is that of K + ridge I, whatever preconditions them."""

import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import InfiniteMLP, KernelRegression
from lazyregime.machines import KernelMachine, RandomFeatures, TwoLayerKernel
from lazyregime.solve import ConjugateGradients, LowRank


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_eigenvalues(theta):
    q, _ = torch.linalg.qr(draw(len(theta), len(theta)))
    k = (q * theta) @ q.T
    return (k + k.T) / 2


def rbf(n, d, scale):
    x = draw(n, d)
    return torch.exp(-(torch.cdist(x, x) ** 2) / scale)


SPECTRA = {
    "smooth": (rbf(300, 5, 8), 1e-2),
    "rough": (rbf(300, 20, 40), 1e-3),
    "few large": (draw(300, 30) @ draw(300, 30).T, 1e-2),
    "wishart": (draw(300, 600) @ draw(300, 600).T / 600, 0.0),
    "power": (with_eigenvalues(torch.arange(1.0, 301, dtype=torch.float64) ** -1.5), 1e-6),
    "one small": (with_eigenvalues(torch.cat([torch.tensor([1e-3]), torch.ones(299)]).double()), 0.0),
    "constant": (torch.ones(300, 300, dtype=torch.float64), 0.5),
}


# Where columns are products of their own, the smallest eigenvalue may come out larger, and the number smaller.
@pytest.mark.parametrize(("num_probes", "share"), [(4, 0.95), (0, 0.85)])
@pytest.mark.parametrize("rank", [0, 50])
@pytest.mark.parametrize("name", SPECTRA)
def test_the_condition_number_is_that_of_the_matrix_and_not_of_the_preconditioned_one(name, rank, num_probes, share):
    kernel, ridge = SPECTRA[name]
    theta = torch.linalg.eigvalsh(kernel) + ridge
    near = LowRank.by_random_products(lambda v: kernel @ v, 300, rank, 1e-15, kernel.device) if rank else None
    system = ConjugateGradients(lambda v: kernel @ v, 300, ridge=ridge, near=near, num_probes=num_probes)
    expected = float(theta[-1] / theta[0])
    system.solve(draw(300, 2, seed=3))
    assert share * expected <= system.report.condition_number <= 1.001 * expected
    if num_probes and rank:  # what a regression does
        report = KernelRegression(ridge=ridge, solver="cg").fit_gram(kernel, draw(300, 2, seed=3)).report
        assert report.condition_number == pytest.approx(system.report.condition_number, rel=1e-3)


def test_it_is_that_of_the_smallest_of_several_ridges_and_of_a_centred_kernel():
    x, y = draw(200, 6), draw(200, 3, seed=1)
    y[:, 0] = 0
    kernel = TwoLayerKernel("ntk")
    for intercept in (False, True):
        h = torch.eye(200).double() - intercept / 200
        theta = torch.linalg.eigvalsh(h @ kernel.gram(x) @ h)[int(intercept) :]  # without that of the mean
        machine = KernelMachine(kernel, solver="cg", intercept=intercept).fit_path(x, y, (1.0, 1e-2, 0.3))
        expected = float((theta[-1] + 1e-2) / (theta[0] + 1e-2))
        assert machine.report_.condition_number == pytest.approx(expected, rel=0.05)
        assert machine.report_.ridge == 1e-2


def test_the_ends_take_few_products_of_their_own():
    columns: list[int] = []
    kernel = InfiniteMLP(depth=2).gram(draw(400, 10))

    def matmul(v):
        columns.append(v.shape[1])
        return kernel @ v

    near = LowRank.by_random_products(matmul, 400, 50, 1e-15, kernel.device)
    columns.clear()
    system = ConjugateGradients(matmul, 400, ridge=1e-2, near=near)
    system.solve(draw(400, 2))
    assert len(columns) == system.report.iterations + 1  # and the true residual
    assert sum(columns) <= (2 + 4) * len(columns) + 10


@pytest.mark.parametrize("solver", [lambda k: KernelRegression(k, ridge=0.1, solver="cg"), KernelMachine])
def test_a_kernel_that_is_zero_is_refused(solver):
    features = RandomFeatures(20)
    machine = solver(features)
    if isinstance(machine, KernelMachine):
        machine.set_params(solver="cg")
    with pytest.raises(LazyRegimeError, match="zero norm"):
        machine.fit(torch.zeros(30, 4, dtype=torch.float64), torch.ones(30, dtype=torch.float64))
