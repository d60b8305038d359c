"""Kernel regression and kernel machines are two doors to one solver: the same answer, report and refusals."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel, KernelRegression
from lazyregime.machines import KernelMachine


@dataclass(frozen=True)
class Stored(AbstractKernel):
    """A kernel matrix of all samples; a sample is its number."""

    matrix: Tensor

    def cross(self, x1, x2):
        return self.matrix[x1[:, 0].long()][:, x2[:, 0].long()]

    def gram(self, x):
        return self.cross(x, x)

    def apply(self, x1, x2, coefficients):
        return self.cross(x1, x2).to(coefficients) @ coefficients

    def num_coupled(self, x):
        return None


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rbf(x, z):
    return torch.exp(-(torch.cdist(x, z) ** 2) / 4)


def doubled(n):
    x = draw(n, 4)
    x[n // 2 :] = x[: n - n // 2]
    return rbf(x, x)


def low_rank(n):
    x = draw(n, 5)
    return x @ x.T


def zero_sample(n):
    x = draw(n, 3 * n)
    x[4] = 0
    return x @ x.T


def nearly_doubled(n):
    x = draw(n, 4)
    x[1] = x[0] + 1e-7
    return rbf(x, x)


KERNELS = {
    "doubled": doubled,
    "low rank": low_rank,
    "zero sample": zero_sample,
    "nearly doubled": nearly_doubled,
    "smooth": lambda n: rbf(draw(n, 1), draw(n, 1)),
    "regular": lambda n: (lambda x: x @ x.T / 200)(draw(n, 200)),
}


def samples(n):
    return torch.arange(n, dtype=torch.float64)[:, None]


def both(kernel, y, ridge, **choices):
    """Values on all samples and report, by each door; the coefficients of a factor are the same bit for bit."""
    n = len(kernel)
    regression = KernelRegression(Stored(kernel), ridge=ridge, **choices).fit(samples(n), y)
    machine = KernelMachine(Stored(kernel), ridge=ridge, **choices).fit(samples(n), y)
    assert choices or torch.equal(regression.dual, machine._fit.coefficients[0])
    return (regression.predict(samples(n)), regression.report), (machine.predict(samples(n)), machine.report_)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("ridge", [0.0, 1e-13, 1e-3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", KERNELS)
def test_both_doors_give_one_answer_and_one_report(name, dtype, ridge, outputs):
    kernel, y = KERNELS[name](40).to(dtype), draw(40, outputs, seed=1)
    (values, report), (others, same) = both(kernel, y, ridge)
    assert report == same
    assert (report.caution is None) == (report.jitter == 0) and report.residual < 1e-6
    # the system that the report names, solved by another library
    h = kernel.double().numpy() + (ridge + report.jitter) * np.eye(40)
    expected = kernel.double().numpy() @ np.linalg.solve(h, y.numpy())
    for found in (values, others):
        np.testing.assert_allclose(found.numpy(), expected, atol=3e-16 * np.linalg.cond(h) + 1e-12)
    theta = np.linalg.eigvalsh(kernel.double().numpy()) + ridge
    assert (report.jitter > 0) == (theta[0] < max(1e-9, 1.2e-7 * (dtype == torch.float32)) * theta[-1])
    if theta[0] > 1e-12 * theta[-1]:
        assert report.condition_number == pytest.approx(theta[-1] / theta[0], rel=1e-3)


@pytest.mark.parametrize("name", KERNELS)
def test_a_path_gives_what_its_ridges_give_one_by_one(name):
    kernel, y, ridges = KERNELS[name](40), draw(40, 2, seed=1), (0.0, 1e-13, 1e-6, 1e-2, 3.0)
    machine = KernelMachine(Stored(kernel)).fit_path(samples(40), y, ridges)
    assert machine.report_.method == "eigenvalues"
    for index, ridge in enumerate(ridges):
        regression = KernelRegression(ridge=ridge).fit_gram(kernel, y)
        tolerance = 1e-15 * min(regression.report.condition_number, 1e9) + 1e-10
        for values in (machine.predict_path(samples(40))[index], machine.fitted_path()[index]):
            torch.testing.assert_close(regression.predict_gram(kernel), values, rtol=0, atol=tolerance)
        machine.choose(index, by="test")
        assert machine.jitter_ == pytest.approx(regression.report.jitter, rel=1e-6, abs=0)
        left_out, again = machine.leave_one_out_path()[index], regression.leave_one_out()
        torch.testing.assert_close(left_out, again, rtol=1e-5, atol=100 * tolerance)


@pytest.mark.parametrize("ridge", [1e-3, 0.5])
def test_both_agree_with_scikit_learn(ridge):
    kernel, y = doubled(40), draw(40, 3, seed=1)
    expected = KernelRidge(alpha=ridge, kernel="precomputed").fit(kernel.numpy(), y.numpy()).predict(kernel.numpy())
    for values, report in both(kernel, y, ridge):
        np.testing.assert_allclose(values.numpy(), expected, atol=1e-10)
        assert report.jitter == 0


def test_a_doubled_sample_predicts_the_mean_of_its_targets_and_the_report_says_how_much_is_left():
    kernel, y = doubled(40), draw(40, 2, seed=1)
    mean = (y[:20] + y[20:]).repeat(2, 1) / 2
    for values, report in both(kernel, y, 0.0):
        torch.testing.assert_close(values, mean, atol=1e-6, rtol=0)
        assert report.misfit == pytest.approx(float((y - mean).norm() / y.norm()), rel=1e-5)
        assert report.caution is not None and "singular at ridge 0" in report.caution
    for values, report in both(kernel, mean, 0.0):  # without a contradiction nothing is left
        torch.testing.assert_close(values, mean, atol=1e-6, rtol=0)
        assert report.jitter > 0 and report.misfit < 1e-6


@pytest.mark.parametrize("name", ["doubled", "low rank", "regular"])
def test_both_agree_by_conjugate_gradients(name):
    kernel, y = KERNELS[name](200), draw(200, 3, seed=1)
    (values, report), (others, same) = both(kernel, y, 1e-2, solver="cg", tolerance=1e-10)
    direct = KernelRegression(ridge=1e-2).fit_gram(kernel, y).predict_gram(kernel)
    for found in (values, others):
        torch.testing.assert_close(found, direct, atol=1e-7, rtol=0)
    assert report.method == same.method == "cg" and report.form == same.form == "products"
    assert report.residual < 1e-9 and same.residual < 1e-9


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda k: k - 5 * torch.eye(40), "not positive semi-definite"),
        (lambda k: -k, "not positive semi-definite"),
        (lambda k: 0 * k, "zero norm"),
        (lambda k: k.tril(), "not symmetric"),
        (lambda k: k.clone().fill_(float("nan")), "NaN"),
    ],
)
@pytest.mark.parametrize("ridges", [(1e-3,), (1e-3, 1.0)])
def test_both_refuse_the_same(spoil, sentence, ridges):
    kernel, y = Stored(spoil(KERNELS["regular"](40))), draw(40, 2, seed=1)
    for fit in (
        lambda: KernelRegression(kernel, ridge=ridges[0]).fit(samples(40), y),
        lambda: KernelMachine(kernel).fit_path(samples(40), y, ridges),
    ):
        with pytest.raises(LazyRegimeError, match=sentence):
            fit()


def test_a_kernel_that_keeps_its_matrix_is_not_written_to():
    kernel, y = KERNELS["regular"](40), draw(40, 2, seed=1)
    before = kernel.clone()

    @dataclass(frozen=True)
    class Kept(AbstractKernel):
        def gram(self, x):
            return kernel

        def apply(self, x1, x2, coefficients):
            return kernel @ coefficients

        def num_coupled(self, x):
            return None

    for ridge in (0.1, (0.1, 1.0)):
        for intercept in (False, True):
            KernelMachine(Kept(), ridge=ridge, intercept=intercept, solver="dual").fit(samples(40), y)
    KernelRegression(Kept(), ridge=0.1).fit(samples(40), y)
    assert torch.equal(kernel, before)
