"""Population moments against closed forms, autograd and very many samples; the risks that follow from them."""

import math

import pytest
import torch

from lazyregime.data import SphereTarget, sphere
from lazyregime.data.gegenbauer import multiplicity, zonal
from lazyregime.errors import LazyRegimeError
from lazyregime.machines import KernelMachine, TwoLayerKernel
from lazyregime.machines._units import activation, slope
from lazyregime.machines.population import (
    krr_moments,
    least_squares_risk,
    nt_moments,
    population_risk,
    predicted_krr_risk,
    rf_moments,
)
from lazyregime.machines.spectrum import Spectrum, SphereKernel

POWERS = (0.1, 0.3, 0.4, 0.2)


def units(n: int, d: int, seed: int = 0) -> torch.Tensor:
    w = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return w / w.norm(dim=1, keepdim=True)


def samples(d: int, n: int = 400_000):
    data = sphere(dimension=d, target_powers=POWERS, n_train=1, n_test=n)
    return data.test_inputs, data.test_labels[:, 0], SphereTarget.of(d, "gegenbauer", POWERS, "relu", 0).direction


def test_relu_has_the_arc_cosine_kernel():
    d = 12
    w = units(9, d)
    spectrum = Spectrum.of("relu", d)
    u, _ = rf_moments(w, w[0], spectrum, POWERS)
    torch.testing.assert_close(u, TwoLayerKernel("rf").gram(math.sqrt(d) * w), atol=1e-8, rtol=0)
    assert sum(spectrum.powers) == pytest.approx(0.5) and max(spectrum.powers[3:9:2]) < 1e-20
    assert min(Spectrum.of("relu", d, shift=0.5).powers[:7]) > 1e-5  # a shift fills the gaps


def test_the_series_is_the_sum_of_its_terms_however_many_and_whatever_their_order():
    d = 9
    spectrum = Spectrum.of("tanh", d, shift=0.3)
    t = torch.linspace(-1, 1, 250 * 280, dtype=torch.float64).reshape(280, 250).T  # three chunks, not contiguous
    degrees = torch.arange(len(spectrum.values))
    weights = torch.tensor([float(multiplicity(int(k), d)) for k in degrees]) * spectrum.values**2
    expected = (weights[:, None, None] * zonal(t, len(degrees) - 1, d)).sum(0)
    torch.testing.assert_close(spectrum.kernel(t), expected, atol=1e-13, rtol=0)
    assert spectrum.kernel(t[:0]).shape == (0, 280)


@pytest.mark.parametrize(("name", "shift"), [("tanh", 0.4), ("relu", -0.5)])
def test_moments_of_both_kinds_of_features_against_many_samples(name, shift):
    d = 6
    x, y, beta = samples(d)
    w, spectrum = units(3, d), Spectrum.of(name, d, shift=shift)
    z = x @ w.T
    gates = slope(name, shift)(z)
    for phi, (u, v) in (
        (activation(name, shift)(z), rf_moments(w, beta, spectrum, POWERS)),
        ((gates[:, :, None] * x[:, None]).flatten(1), nt_moments(w, beta, spectrum, POWERS)),
    ):
        spread = 6 / math.sqrt(len(x))  # six standard errors of entries of size one
        torch.testing.assert_close(phi.T @ phi / len(x), u, atol=spread * 2, rtol=0)
        torch.testing.assert_close(phi.T @ y / len(x), v, atol=spread * 2, rtol=0)


def test_tangent_moments_of_relu_are_derivatives_of_the_closed_form():
    d = 10
    w = units(4, d)
    u, _ = nt_moments(w, w[0], Spectrum.of("relu", d), POWERS)

    def closed(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        norm = a.norm() * b.norm()
        t = a @ b / norm
        return norm * ((1 - t * t).sqrt() + t * (math.pi - t.acos())) / (2 * math.pi)

    u = u.reshape(4, d, 4, d)
    for i, j in ((0, 1), (2, 3), (3, 1)):

        def gradient(b, i=i):
            return torch.func.grad(closed)(w[i], b)

        torch.testing.assert_close(u[i, :, j], torch.func.jacrev(gradient)(w[j]), atol=1e-5, rtol=0)
    assert float(u[0, :, 0].trace()) == pytest.approx(d / 2)  # E 1{z > 0} |x|^2


def test_krr_risk_is_that_of_very_many_test_points():
    d, n = 8, 60
    x, y, beta = samples(d)
    train, labels = x[:n], y[:n]
    kernel = SphereKernel("relu", shift=0.5)
    machine = KernelMachine(kernel, ridge=1e-3).fit(train, labels)
    k, u, v = krr_moments(train, beta, Spectrum.of("relu", d, shift=0.5), POWERS)
    torch.testing.assert_close(k, kernel.gram(train))
    theta = torch.linalg.solve(k + 1e-3 * torch.eye(n), labels)
    risk = population_risk(theta, (u, v), POWERS)
    sampled = float((machine.predict(x[n:50_000]) - y[n:50_000]).square().mean())
    assert risk == pytest.approx(sampled, rel=0.05)
    with pytest.raises(LazyRegimeError, match="coefficients"):
        population_risk(theta[:5], (u, v), POWERS)


@pytest.mark.parametrize("n", [12, 60, 250])
def test_predicted_risk_of_kernel_regression_is_the_mean_over_samples(n):
    d, risks = 10, []
    beta = units(1, d)[0]
    spectrum = Spectrum.of("relu", d, shift=0.5)
    for seed in range(20):
        x = math.sqrt(d) * units(n, d, seed + 1)
        y = SphereTarget.of(d, "gegenbauer", POWERS, "relu", 0).function(x @ beta / math.sqrt(d))
        k, u, v = krr_moments(x, beta, spectrum, POWERS)
        theta = torch.linalg.solve(k + 1e-6 * torch.eye(n), y)
        risks.append(population_risk(theta, (u, v), POWERS))
    predicted = predicted_krr_risk(spectrum, POWERS, n, ridge=1e-6)
    spread = torch.tensor(risks).std().item() / math.sqrt(len(risks))
    assert predicted == pytest.approx(sum(risks) / len(risks), abs=0.05 * predicted + 3 * spread)


def test_infinitely_many_samples_are_the_limit_of_many():
    d, n_units = 6, 12
    x, y, beta = samples(d)
    w, spectrum = units(n_units, d), Spectrum.of("relu", d, shift=0.5)
    phi = activation("relu", 0.5)(x @ w.T)
    theta = torch.linalg.lstsq(phi, y[:, None]).solution
    fitted = float((phi @ theta - y[:, None]).square().mean())
    assert least_squares_risk(rf_moments(w, beta, spectrum, POWERS), POWERS) == pytest.approx(fitted, rel=0.01)


def test_random_features_cannot_learn_what_their_spectrum_lacks():
    d = 10
    w, beta = units(300, d), units(1, d, seed=1)[0]
    cubic = (0.0, 0.0, 0.0, 1.0)
    assert least_squares_risk(rf_moments(w, beta, Spectrum.of("relu", d), cubic), cubic, 1e-9) == pytest.approx(
        1.0, abs=1e-6
    )
    assert least_squares_risk(rf_moments(w, beta, Spectrum.of("relu", d, shift=0.7), cubic), cubic, 1e-9) < 0.5


def test_enough_units_learn_everything_of_low_degree():
    d = 6
    w, beta = units(200, d), units(1, d, seed=1)[0]
    low = (0.2, 0.4, 0.4)
    assert multiplicity(2, d) + d + 1 < 200
    spectrum = Spectrum.of("relu", d, shift=0.5)
    risks = [least_squares_risk(rf_moments(w[:n], beta, spectrum, low), low, 1e-10) for n in (3, 10, 50, 200)]
    assert risks == sorted(risks, reverse=True) and risks[0] > 0.2 and risks[-1] < 0.02
    tangent = [least_squares_risk(nt_moments(w[:n], beta, spectrum, low), low, 1e-10) for n in (2, 6, 20)]
    assert tangent == sorted(tangent, reverse=True) and tangent[1] < risks[1]  # six units with weights that move
