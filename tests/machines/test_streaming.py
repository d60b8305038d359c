"""Conjugate gradients with features made anew: all ridges at once, and as few products as the preconditioner allows."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from lazyregime.errors import LazyRegimeError
from lazyregime.machines import KernelMachine, RandomFeatures, TangentFeatures, TwoLayerKernel, two_layer_features
from lazyregime.machines._streaming import landmarks

RIDGES = (1e-3, 1e-2, 0.3)


def images(n: int, d: int = 40):
    """Inputs with a spectrum that falls, as that of images does."""
    random = np.random.default_rng(0)
    x = random.standard_normal((n, d)) / np.arange(1, d + 1) ** 0.7
    return x * (d**0.5 / np.linalg.norm(x, axis=1, keepdims=True)), random.standard_normal((n, 3))


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("make", [RandomFeatures, TangentFeatures, two_layer_features])
def test_all_ridges_at_once_agree_with_ridge_one_by_one(make, intercept):
    x, y = images(120)
    features = make(60)
    phi = features.features(torch.from_numpy(x)).numpy()
    machine = KernelMachine(features, solver="cg", intercept=intercept, tolerance=1e-11).fit_path(x, y, RIDGES)
    for ridge, path in zip(RIDGES, machine.fitted_path(), strict=True):
        expected = Ridge(alpha=ridge, fit_intercept=intercept, solver="svd").fit(phi, y).predict(phi)
        np.testing.assert_allclose(path, expected, atol=1e-7)
    np.testing.assert_allclose(machine.predict_path(x), machine.fitted_path(), atol=1e-7)


def test_many_units_take_few_products_since_their_limit_preconditions():
    x, y = images(300)
    features, ridges = RandomFeatures(4000), (0.3, 3.0)
    machine = KernelMachine(features, solver="cg", precision="float32", intercept=True).fit_path(x, y, ridges)
    assert machine.report_.iterations <= 15 and machine.report_.residual < 1e-5
    exact = KernelMachine(features, solver="dual", intercept=True).fit_path(x, y, ridges)
    np.testing.assert_allclose(machine.predict_path(x), exact.predict_path(x), atol=2e-4)


def test_all_samples_as_landmarks_are_the_kernel_itself():
    x = torch.from_numpy(images(50)[0])
    kernel = TwoLayerKernel("rf")
    whole = landmarks((kernel,), x, 50, centre=False, accuracy=1e-14)
    torch.testing.assert_close((whole.vectors * whole.values) @ whole.vectors.T, kernel.gram(x), atol=1e-8, rtol=0)
    some = landmarks((kernel,), x, 20, centre=True, accuracy=1e-14)
    y, ridges = torch.randn(50, 2, dtype=torch.float64), torch.tensor([0.1, 2.0], dtype=torch.float64)
    q = (some.vectors * some.values) @ some.vectors.T
    assert float(q.sum(0).abs().max()) < 1e-10
    for column, ridge in enumerate(ridges):
        back = q @ some.solve(ridges, y)[:, column] + ridge * some.solve(ridges, y)[:, column]
        torch.testing.assert_close(back, y[:, column], atol=1e-10, rtol=0)


def test_stand_ins_are_close_to_their_features():
    x = torch.from_numpy(images(30)[0])
    for features in (RandomFeatures(40_000), TangentFeatures(20_000), two_layer_features(20_000)):
        near = sum(kernel.gram(x) for kernel in features.stand_ins())
        assert float((near - features.gram(x)).norm() / near.norm()) < 0.02
    shifted = RandomFeatures(40_000, shift=0.5).stand_ins()
    assert shifted == (RandomFeatures(16_384, shift=0.5),)


def test_a_ridge_of_zero_is_solved_where_the_kernel_is_regular_and_refused_where_it_is_not():
    x, y = images(30)
    regular, direct = (KernelMachine(RandomFeatures(90), solver=solver, ridge=0.0) for solver in ("cg", "dual"))
    np.testing.assert_allclose(regular.fit(x, y).predict(x), direct.fit(x, y).predict(x), atol=1e-6)
    with pytest.raises(LazyRegimeError, match="need a ridge > 0"):
        KernelMachine(RandomFeatures(20), solver="cg").fit_path(x, y, [0.0, 1.0])
