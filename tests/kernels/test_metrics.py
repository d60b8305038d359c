"""Metrics against closed forms, invariances, and a simulation."""

import numpy as np
import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import metrics


def psd(n: int = 12, rank: int = 20, seed: int = 0) -> torch.Tensor:
    x = torch.randn(n, rank, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x @ x.T


def test_relative_change_and_distance_of_known_matrices():
    eye = torch.eye(4)
    assert metrics.relative_change(eye, 3 * eye) == pytest.approx(2)
    assert metrics.kernel_distance(eye, 3 * eye) == pytest.approx(0, abs=1e-15)
    one = torch.zeros(2, 2)
    one[0, 0] = 1
    other = torch.zeros(2, 2)
    other[1, 1] = 1
    assert metrics.kernel_distance(one, other) == pytest.approx(1)
    assert metrics.kernel_distance(one, one + other) == pytest.approx(1 - 2**-0.5)


def test_distance_resolves_changes_that_one_minus_cosine_cannot():
    k, step = psd(), torch.zeros(12, 12).double()
    step[0, 0] = 1e-9
    c = float(k[0, 0] / k.norm())  # second order: |dK_perp|^2 / (2 |K|^2)
    expected = (1 - c**2) * 1e-18 / float(k.norm()) ** 2 / 2
    assert metrics.kernel_distance(k, k + step) == pytest.approx(expected, rel=1e-4)


def test_velocity_is_distance_over_time():
    kernels = [psd(seed=s) for s in range(3)]
    v = metrics.kernel_velocity(kernels, [0, 2, 2.5])
    assert v[0] == pytest.approx(metrics.kernel_distance(kernels[0], kernels[1]) / 2)
    assert v[1] == pytest.approx(metrics.kernel_distance(kernels[1], kernels[2]) / 0.5)
    with pytest.raises(LazyRegimeError, match="increasing"):
        metrics.kernel_velocity(kernels, [0, 2, 2])


def test_alignment_is_one_for_the_target_kernel_and_matches_the_definition():
    labels = torch.arange(12) % 3
    y = torch.nn.functional.one_hot(labels).double()
    assert metrics.centred_alignment(y @ y.T, labels) == pytest.approx(1)
    k, h = psd().numpy(), np.eye(12) - 1 / 12
    a, b = h @ k @ h, h @ (y @ y.T).numpy() @ h
    expected = (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)
    assert metrics.centred_alignment(psd(), labels) == pytest.approx(expected)
    assert metrics.centred_alignment(psd(), y) == pytest.approx(expected)
    assert metrics.cka(psd(), y @ y.T) == pytest.approx(expected)
    # a constant added to all inner products is invisible once centred
    assert metrics.centred_alignment(psd() + 5, labels) == pytest.approx(expected)
    t = y[:, 0]
    uncentred = (t @ psd() @ t) / (psd().norm() * t.norm() ** 2)
    assert metrics.target_alignment(psd(), t) == pytest.approx(float(uncentred))


def test_cka_of_a_kernel_with_itself_rotated_features_is_one():
    assert metrics.cka(psd(), 7 * psd()) == pytest.approx(1)
    assert metrics.cka(psd(seed=1), psd(seed=2)) < 0.9


def test_ranks_of_known_spectra():
    q, _ = torch.linalg.qr(psd())
    for eigenvalues in ([1.0] * 12, [1.0] * 3 + [0.0] * 9, list(range(1, 13))):
        lam = torch.tensor(eigenvalues, dtype=torch.float64)
        k = (q * lam) @ q.T
        p = lam[lam > 0] / lam.sum()
        assert metrics.spectrum(k).numpy() == pytest.approx(lam.sort(descending=True).values.numpy(), abs=1e-10)
        assert metrics.effective_rank(k) == pytest.approx(float(torch.exp(-(p * p.log()).sum())))
        assert metrics.participation_ratio(k) == pytest.approx(float(lam.sum() ** 2 / (lam**2).sum()))


def test_projections_resolve_the_target():
    k = psd()
    y = torch.randn(12, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    eigenvalues, projections = metrics.eigenprojections(k, y)
    assert torch.allclose(projections.T @ (eigenvalues[:, None] * projections), y.T @ k @ y)
    power = metrics.cumulative_power(k, y)
    assert power[-1] == pytest.approx(1) and bool((power.diff() >= 0).all())
    top = torch.linalg.eigh(k).eigenvectors[:, -1]
    assert metrics.cumulative_power(k, top)[0] == pytest.approx(1)


@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_eigenlearning_predicts_regression_on_random_gaussian_features(ridge):
    """Kernel ridge regression with Gaussian eigenfunctions, where the theory is exact for many modes."""
    g = torch.Generator().manual_seed(6)
    modes, n, trials = 300, 60, 60
    lam = torch.arange(1, modes + 1, dtype=torch.float64) ** -1.2
    v = torch.arange(1, modes + 1, dtype=torch.float64) ** -0.8
    theory = metrics.eigenlearning(lam, v**2, n, ridge=ridge, noise=0.1)
    total = theory.learnabilities.sum() + ridge / theory.kappa
    assert total == pytest.approx(n, rel=1e-9)
    test, train = [], []
    for _ in range(trials):
        phi = torch.randn(n, modes, generator=g, dtype=torch.float64)
        y = phi @ v + 0.1**0.5 * torch.randn(n, generator=g, dtype=torch.float64)
        k = (phi * lam) @ phi.T
        dual = torch.linalg.solve(k + ridge * torch.eye(n), y)
        fitted = lam * (phi.T @ dual)
        test.append(float(((fitted - v) ** 2).sum()) + 0.1)
        train.append(float(((k @ dual - y) ** 2).mean()))
    assert np.mean(test) == pytest.approx(theory.test_mse, rel=0.05)  # standard error about 2%
    assert np.mean(train) == pytest.approx(theory.train_mse, rel=0.08, abs=1e-12)


def test_non_finite_or_impossible_input_is_refused():
    with pytest.raises(LazyRegimeError, match="NaN or infinite"):
        metrics.spectrum(torch.full((2, 2), float("inf")))
    with pytest.raises(LazyRegimeError, match="zero everywhere"):
        metrics.relative_change(torch.zeros(2, 2), torch.eye(2))
    with pytest.raises(LazyRegimeError, match="trace"):
        metrics.effective_rank(torch.zeros(2, 2))
    with pytest.raises(LazyRegimeError, match="no meaning"):
        metrics.centred_alignment(psd(), torch.ones(12))
    with pytest.raises(LazyRegimeError, match="Without ridge"):
        metrics.eigenlearning(torch.ones(5), torch.ones(5), 5)


def test_counts_stand_for_so_many_equal_modes():
    lam, power, counts = torch.tensor([1.0, 0.1, 0.01]), torch.tensor([0.5, 0.02, 0.001]), torch.tensor([1, 7, 40])
    whole = metrics.eigenlearning(
        lam.repeat_interleave(counts), power.repeat_interleave(counts), 12, ridge=0.01, noise=0.1
    )
    short = metrics.eigenlearning(lam, power, 12, ridge=0.01, noise=0.1, counts=counts)
    assert short.test_mse == pytest.approx(whole.test_mse, rel=1e-12)
    assert short.kappa == pytest.approx(whole.kappa, rel=1e-12)
    assert short.overfitting == pytest.approx(whole.overfitting, rel=1e-12)
    with pytest.raises(LazyRegimeError, match="one each"):
        metrics.eigenlearning(lam, power, 12, ridge=0.01, counts=-counts)
    with pytest.raises(LazyRegimeError, match="48 non-zero modes"):
        metrics.eigenlearning(lam, power, 48, counts=counts)
