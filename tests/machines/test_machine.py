"""Machines against scikit-learn and numpy to 1e-8; primal = dual = conjugate gradients; leave-one-out by refitting."""

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import EmpiricalKernel, InfiniteMLP
from lazyregime.machines import (
    KernelMachine,
    PolynomialFeatures,
    PolynomialKernel,
    RandomFeatures,
    TangentFeatures,
    TwoLayerKernel,
    two_layer_features,
)
from lazyregime.networks import MLP

D = 7
FEATURES = {
    "rf": RandomFeatures(40, shift=0.3),
    "nt": TangentFeatures(6, activation="tanh"),
    "rf+nt": two_layer_features(6),
    "linear": PolynomialFeatures(1),
    "quadratic": PolynomialFeatures(2),
}
KERNELS = {**FEATURES, "krr": TwoLayerKernel("ntk"), "cubic": PolynomialKernel(3), "ntk": InfiniteMLP(depth=2)}


def problem(n: int = 60, k: int = 2, seed: int = 0):
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, D))
    return x, np.stack([np.sin(x @ random.standard_normal(D)) + 1 for _ in range(k)], 1), random.standard_normal((9, D))


@pytest.mark.parametrize("name", KERNELS)
def test_agrees_with_kernel_ridge(name):
    x, y, new = problem()
    kernel = KERNELS[name]
    k, k_new = (
        kernel.gram(torch.from_numpy(x)).numpy(),
        kernel.cross(torch.from_numpy(new), torch.from_numpy(x)).numpy(),
    )
    expected = KernelRidge(alpha=0.01, kernel="precomputed").fit(k, y).predict(k_new)
    got = KernelMachine(kernel, ridge=0.01).fit(x, y).predict(new)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("solver", ["primal", "dual", "cg"])
@pytest.mark.parametrize("name", FEATURES)
def test_agrees_with_ridge_on_the_features(name, solver, intercept):
    x, y, new = problem()
    phi, phi_new = (FEATURES[name].features(torch.from_numpy(z)).numpy() for z in (x, new))
    expected = Ridge(alpha=0.02, fit_intercept=intercept, solver="svd").fit(phi, y).predict(phi_new)
    machine = KernelMachine(FEATURES[name], ridge=0.02, solver=solver, intercept=intercept, tolerance=1e-11)
    got = machine.fit(x, y).predict(new)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-7 if solver == "cg" else 1e-8)
    assert machine.report_.form == {"cg": "products"}.get(solver, solver)


@pytest.mark.parametrize("name", FEATURES)
def test_kernels_of_features_are_their_products(name):
    x = torch.from_numpy(problem()[0])
    features = FEATURES[name]
    phi = features.features(x)
    assert phi.shape == (len(x), features.count(D))
    torch.testing.assert_close(features.gram(x), phi @ phi.T, rtol=0, atol=1e-12)
    torch.testing.assert_close(features.cross(x[:4], x), phi[:4] @ phi.T, rtol=0, atol=1e-12)
    c = torch.randn(len(x), 3, dtype=torch.float64)
    for some in (x[:4], x):  # the features of x are made once for both sides
        torch.testing.assert_close(features.apply(some, x, c), phi[: len(some)] @ (phi.T @ c), rtol=0, atol=1e-10)


def test_interpolates_without_a_ridge_and_one_sample_by_hand():
    x, y, _ = problem(30)
    machine = KernelMachine(TwoLayerKernel("rf"), ridge=0.0).fit(x, y)
    np.testing.assert_allclose(machine.predict(x), y, atol=1e-8)
    one = KernelMachine(PolynomialFeatures(1, constant=0.0), ridge=0.5).fit([[2.0]], [3.0])
    assert float(one.predict([[1.0]])[0]) == pytest.approx(2 * 3 / (4 + 0.5), rel=1e-12)


@pytest.mark.parametrize("kernel", [TwoLayerKernel("rf"), RandomFeatures(6, seed=3)], ids=["dual", "primal"])
@pytest.mark.parametrize("ridges", [(1e-3, 0.1), (0.1,)])
@pytest.mark.parametrize("intercept", [False, True])
def test_leave_one_out_is_refitting_without_the_sample(intercept, ridges, kernel):
    x, y, _ = problem(15)
    machine = KernelMachine(kernel, intercept=intercept).fit_path(x, y, ridges)
    assert machine.report_.form == ("primal" if isinstance(kernel, RandomFeatures) else "dual")
    left_out = machine.leave_one_out_path().numpy()
    for r, ridge in enumerate(ridges):
        for i in range(15):
            keep = np.arange(15) != i
            refitted = KernelMachine(kernel, ridge=ridge, intercept=intercept).fit(x[keep], y[keep])
            np.testing.assert_allclose(left_out[r, i], refitted.predict(x[i : i + 1])[0], atol=1e-9)


def test_several_ridges_are_chosen_among_by_leave_one_out():
    x, y, new = problem(40)
    noisy = y + 0.5 * np.random.default_rng(1).standard_normal(y.shape)
    machine = KernelMachine(TwoLayerKernel("rf"), ridge=[1e-6, 1e-2, 1.0, 1e4]).fit(x, noisy)
    errors = (machine.leave_one_out_path().numpy() - noisy) ** 2
    assert machine.ridge_ == machine.ridges_[int(errors.mean((1, 2)).argmin())] and machine.ridge_ not in (1e-6, 1e4)
    assert machine.chosen_by_ == "leave_one_out"
    alone = KernelMachine(TwoLayerKernel("rf"), ridge=machine.ridge_).fit(x, noisy)
    np.testing.assert_allclose(machine.predict(new), alone.predict(new), atol=1e-9)


def test_a_path_is_its_ridges_one_by_one():
    x, y, new = problem(50)
    ridges = (1e-4, 1e-2, 1.0)
    for solver in ("primal", "dual"):
        machine = KernelMachine(RandomFeatures(30), solver=solver, intercept=True).fit_path(x, y, ridges)
        path = machine.predict_path(new)
        for values, ridge in zip(path, ridges, strict=True):
            alone = KernelMachine(RandomFeatures(30), ridge=ridge, intercept=True, solver=solver).fit(x, y)
            np.testing.assert_allclose(values.numpy(), alone.predict(new), atol=1e-8)
        machine.choose(2, by="test")
        np.testing.assert_allclose(machine.predict(new), path[2].numpy(), atol=1e-12)
        assert machine.ridge_ == 1.0 and machine.chosen_by_ == "test" and machine.ridge == 1e-3


def test_what_is_smaller_is_formed():
    x, y, _ = problem(50)
    assert KernelMachine(RandomFeatures(30)).fit(x, y).report_.form == "primal"
    assert KernelMachine(RandomFeatures(70)).fit(x, y).report_.form == "dual"
    assert KernelMachine(RandomFeatures(70), ridge=0.1, memory_budget=9_000).fit(x, y).report_.form == "products"


def test_features_do_not_depend_on_their_number_or_the_precision():
    x = torch.from_numpy(problem()[0])
    few, many = RandomFeatures(1100).features(x) * 1100**0.5, RandomFeatures(1500).features(x) * 1500**0.5
    torch.testing.assert_close(few[:, :1024], many[:, :1024])
    torch.testing.assert_close(few.float(), RandomFeatures(1100).features(x.float()) * 1100**0.5, atol=1e-5, rtol=1e-5)
    assert not torch.equal(few, RandomFeatures(1100, seed=1).features(x) * 1100**0.5)


@pytest.mark.parametrize(
    ("kind", "make"), [("rf", RandomFeatures), ("nt", TangentFeatures), ("ntk", two_layer_features)]
)
@pytest.mark.parametrize(("activation", "weights"), [("relu", "sphere"), ("tanh", "gaussian")])
def test_features_tend_to_their_kernel_like_one_over_root_n(kind, make, activation, weights):
    x = torch.randn(12, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    limit = TwoLayerKernel(kind, activation).gram(x)
    counts = (64, 512, 4096)
    errors = [
        np.mean(
            [float((make(n, activation=activation, weights=weights, seed=s).gram(x) - limit).norm()) for s in range(6)]
        )
        for n in counts
    ]
    slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.12)


def test_exact_kernels_are_those_of_the_paper():
    x = torch.randn(6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    norms = torch.outer(x.norm(dim=1), x.norm(dim=1))
    u = (x @ x.T / norms).clamp(-1, 1)
    root = (1 - u * u).clamp_min(0).sqrt()
    rf = 0.5 * norms * (u * u.asin() / np.pi + u / 2 + root / np.pi)
    ntk = norms * (u * (1 - u.acos() / np.pi) + root / (2 * np.pi))
    torch.testing.assert_close(9 * TwoLayerKernel("rf").gram(x), rf, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(9 * TwoLayerKernel("ntk").gram(x), ntk, atol=1e-6, rtol=1e-6)


def test_empirical_ntk_of_a_network():
    x, y, new = problem(20)
    torch.manual_seed(0)
    network = MLP(width=16, depth=1, in_features=D, n_outputs=3).double()
    kernel = EmpiricalKernel(network, outputs="trace")
    machine = KernelMachine(kernel, ridge=0.1).fit(x, y)
    k, k_new = (
        kernel.gram(torch.from_numpy(x)).numpy(),
        kernel.cross(torch.from_numpy(new), torch.from_numpy(x)).numpy(),
    )
    np.testing.assert_allclose(machine.predict(new), k_new @ np.linalg.solve(k + 0.1 * np.eye(20), y), atol=1e-8)
    with pytest.raises(LazyRegimeError, match="couples outputs"):
        KernelMachine(EmpiricalKernel(network)).fit(x, y)


def test_tensors_in_tensors_out():
    x, y, new = (torch.from_numpy(a) for a in problem(20))
    predicted = KernelMachine().fit(x, y).predict(new)
    assert isinstance(predicted, torch.Tensor) and predicted.shape == (9, 2)
    np.testing.assert_array_equal(predicted.numpy(), KernelMachine().fit(x.numpy(), y.numpy()).predict(new.numpy()))


def test_float32_features_are_close_to_float64():
    x, y, new = problem(200)
    exact, fast = (
        KernelMachine(RandomFeatures(500), ridge=1e-2, precision=p).fit(x, y).predict(new)
        for p in ("float64", "float32")
    )
    np.testing.assert_allclose(fast, exact, atol=1e-3)
    assert np.abs(fast - exact).max() > 0
