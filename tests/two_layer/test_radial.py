"""[MMN18]'s reduced problem: phi_d by sampling, the line against particles, mass, free energy, noise, the JKO step."""

import numpy as np
import pytest
import torch
from scipy import stats

from lazyregime.errors import LazyRegimeError
from lazyregime.two_layer import (
    DormandPrince,
    Euler,
    NoisyField,
    ParticleField,
    RadialFlow,
    chi_cells,
    gaussian_particles,
    jko_step,
    line_wasserstein,
    radial_response,
    radial_two_gaussians,
    two_gaussians,
    wasserstein,
)

D, DELTA = 40, 0.8


def flow(**options):
    return RadialFlow(radial_two_gaussians(D, DELTA), D, **options)


@pytest.mark.parametrize("activation", ["mmn18", "relu", "tanh"])
@pytest.mark.parametrize("d", [3, 40])
def test_radial_response_is_a_mean_over_directions(activation, d):
    from flow_reference import SIGMAS

    x = torch.randn(400_000, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cosine = x[:, 0] / x.norm(dim=1)
    for s in (0.2, 1.0, 3.0, 15.0):
        samples = SIGMAS[activation](s * cosine)
        value = float(radial_response(activation, torch.tensor([s], dtype=torch.float64), d))
        assert abs(value - float(samples.mean())) <= 5 * float(samples.std()) / 400_000**0.5 + 1e-9


def test_initial_risk_is_that_of_particles_and_data():
    """R of the line against 4000 particles on 4000 points of data."""
    theta = gaussian_particles(4000, D, [0], a_mean=1.0, a_std=0.0, w_std=0.4 / D**0.5)
    x, y = two_gaussians(4000, D, DELTA, torch.Generator().manual_seed(0))
    u = ParticleField(x, y, activation="mmn18").residual(theta)[0]
    line = flow()
    mass = chi_cells(line.edges, D, 0.4 / D**0.5)
    error = float(u.square().std()) / 4000**0.5
    assert line.risk(mass) == pytest.approx(float(u.square().mean()), abs=5 * error)


def test_mass_is_conserved_to_rounding_and_stays_positive():
    line, seen = flow(), []
    mass = chi_cells(line.edges, D, 0.4 / D**0.5)
    line.run(mass, [0.0, 0.5], observe=lambda _, m: seen.append((float(m.sum()), float(m.min()))))
    assert len(seen) > 100
    assert max(abs(total - 1) for total, _ in seen) < 1e-13
    assert min(lowest for _, lowest in seen) >= 0


@pytest.mark.parametrize("options", [{}, {"temperature": 1e-3, "confinement": 0.1}])
def test_free_energy_falls(options):
    line, energies = flow(num_cells=150, **options), []
    mass = chi_cells(line.edges, D, 0.4 / D**0.5)
    line.run(mass, [0.0, 0.2], observe=lambda _, m: energies.append(line.free_energy(m)))
    energies = torch.tensor(energies, dtype=torch.float64)
    assert (energies.diff() <= 1e-12).all()
    assert float(energies[-1]) < float(energies[0]) - 1e-3


def test_variation_is_the_derivative_of_the_free_energy():
    line = flow(num_cells=40, temperature=0.02, confinement=0.3, alpha=1.6)
    mass = chi_cells(line.edges, D, 0.2)
    change = torch.zeros_like(mass)
    change[8], change[12] = 1e-7, -1e-7  # mass stays one
    slope = (line.free_energy(mass + change) - line.free_energy(mass - change)) / 2
    assert slope == pytest.approx(float(line.variation(mass) @ change), rel=1e-5)


def test_stationary_distribution_of_pure_noise():
    """Without data (y - f = 0 by zero weights) rho goes to the chi distribution of N(0, tau / lambda I)."""
    tau, strength = 0.05, 1.0
    line = RadialFlow(radial_two_gaussians(5, DELTA), 5, r_max=1.5, num_cells=50, temperature=tau, confinement=strength)
    line.data.weights.zero_()
    mass = line.run(chi_cells(line.edges, 5, 0.15), [0.0, 5.0])[-1]
    torch.testing.assert_close(mass, chi_cells(line.edges, 5, (tau / strength) ** 0.5), rtol=0, atol=3e-4)


def test_line_converges_to_the_particles_on_it_at_order_two():
    """Weighted particles at Gauss's nodes of rho are moved by the exact dr/dt: no grid."""
    std, (nodes, weights) = 0.4 / D**0.5, np.polynomial.legendre.leggauss(60)
    low, high = std * stats.chi.ppf(1e-13, D), std * stats.chi.isf(1e-13, D)
    start = torch.from_numpy(low + (high - low) * (nodes + 1) / 2)
    share = torch.from_numpy(weights * stats.chi.pdf(start.numpy() / std, D))
    share /= share.sum()
    data = radial_two_gaussians(D, DELTA, num_nodes=60)

    def slope(r):
        h = 1e-5
        middle, up, down = (radial_response("mmn18", (r + e)[:, None] * data.radii, D) for e in (0, h, -h))
        return ((up - down) / (2 * h)) @ (data.weights * (data.labels - share @ middle))

    r = DormandPrince(1e-7, 1e-9).run(slope, start, [0.0, 0.05], lambda *_: None)
    moments, gaps = [float(share @ r**k) for k in (1, 2)], []
    for cells in (600, 1200, 2400):
        line = RadialFlow(data, D, num_cells=cells)
        mass = line.run(chi_cells(line.edges, D, std), [0.0, 0.05])[-1]
        gaps.append(max(abs(float(mass @ line.centres**k) - m) for k, m in zip((1, 2), moments, strict=True)))
    assert gaps[0] / gaps[1] > 3 and gaps[1] / gaps[2] > 3
    assert gaps[2] < 1e-5


def test_jko_step():
    """Stationary, an implicit Euler step, a gain of at least W^2 / (2h), W the exact distance, h^2 from the flow."""
    theta = gaussian_particles(12, 4, [0])
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(20, 4, generator=draw, dtype=torch.float64)
    field = ParticleField(x, x[:, 0].sin(), activation="tanh", alpha=1.5)
    gaps = []
    for h in (0.1, 0.05):
        step = jko_step(field, theta, h)
        torch.testing.assert_close(step.theta, theta + h * field(step.theta), rtol=0, atol=1e-8)
        assert step.gain >= step.distance**2 / (2 * h) > 0
        assert wasserstein(step.theta[0], theta[0]) == pytest.approx(step.distance, rel=1e-9)
        exact = DormandPrince(1e-10, 1e-12).run(field, theta, [0.0, h], lambda *_: None)
        gaps.append(float((step.theta - exact).norm()))
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.15)


def test_noise_has_its_temperature():
    """Without data the particles are Ornstein-Uhlenbeck: their variance becomes tau / lambda."""
    x = torch.zeros(1, 2, dtype=torch.float64)
    still = ParticleField(x, torch.zeros(1, dtype=torch.float64), activation="tanh")
    noisy = NoisyField(still, temperature=0.2, confinement=2.0, step=0.02, generator=torch.Generator().manual_seed(0))
    theta = Euler(0.02).run(noisy, gaussian_particles(4000, 2, [0]), [0.0, 3.0], lambda *_: None)
    # a third of the step's bias: tau / (lambda (1 - lambda step / 2))
    assert float(theta.var()) == pytest.approx(0.1 / (1 - 0.02), rel=0.03)


def test_line_wasserstein_of_the_profile_shrinks_like_the_square_root():
    """|w| of N particles drawn at the start against the line's quantiles."""

    def gap(h, seed):
        r = gaussian_particles(h, D, [seed], a_mean=1.0, a_std=0.0, w_std=1.0)[0, :, 1:].norm(dim=1)
        exact = torch.from_numpy(stats.chi.ppf((torch.arange(h).double() + 0.5) / h, D))
        return float(line_wasserstein(r, exact))

    small, large = (sum(gap(h, s) for s in range(20)) / 20 for h in (100, 1600))
    assert small / large == pytest.approx(4, rel=0.25)


def test_mistakes_are_sentences():
    line = flow(r_max=0.6, num_cells=50)
    with pytest.raises(LazyRegimeError, match="make it larger"):
        line.run(chi_cells(line.edges, D, 0.4 / D**0.5), [0.0, 2.0])
    with pytest.raises(LazyRegimeError, match="num_cells=2"):
        flow(num_cells=2)
    with pytest.raises(LazyRegimeError, match="h=0"):
        jko_step(ParticleField(torch.eye(2), torch.ones(2), activation="tanh"), torch.zeros(1, 2, 3), 0.0)
