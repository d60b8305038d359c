"""Particles, targets, samples, quadratic networks and distances, against sampling and closed forms."""

import math

import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.two_layer import (
    DormandPrince,
    ParticleField,
    QuadraticField,
    density,
    displacement,
    draw_inputs,
    exponential_target,
    gaussian_particles,
    line_wasserstein,
    make_target,
    marginals,
    sliced_wasserstein,
    two_gaussians,
    wasserstein,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_widths_share_their_first_particles():
    small, large = (gaussian_particles(h, 5, [3, 4]) for h in (70, 333))
    assert torch.equal(small, large[:, :70])
    assert not torch.equal(small[0], small[1])


def test_particles_have_the_asked_scales():
    theta = gaussian_particles(20000, 3, [0], a_std=2.0, w_std=0.5)[0]
    torch.testing.assert_close(theta.std(0), torch.tensor([2.0, 0.5, 0.5, 0.5], dtype=torch.float64), rtol=0.02, atol=0)
    assert (gaussian_particles(5, 3, [0], a_mean=1.0, a_std=0.0)[..., 0] == 1).all()


@pytest.mark.parametrize("kind, inputs", [("hermite", "gaussian"), ("gegenbauer", "sphere")])
def test_polynomials_are_orthonormal(kind, inputs):
    x = draw_inputs(inputs, 200_000, 6, generator())
    values = torch.stack([make_target(kind, 6, degree=k)(x) for k in range(4)])
    gram = values @ values.T / x.shape[0]
    torch.testing.assert_close(gram, torch.eye(4, dtype=torch.float64), rtol=0, atol=0.03)  # 1/sqrt(n) times moments


def test_gegenbauer_of_degree_two_is_known():
    x = draw_inputs("sphere", 50, 5, generator())
    target = make_target("gegenbauer", 5, degree=2)
    t = x @ target.directions[0] / 5**0.5
    # B(5, 2) = 14 harmonics; P_2 = (d t^2 - 1) / (d - 1)
    torch.testing.assert_close(target(x), math.sqrt(14) * (5 * t**2 - 1) / 4)


def test_teacher_and_neuron():
    x = draw_inputs("gaussian", 9, 4, generator())
    teacher = make_target("teacher", 4, num_neurons=3, activation="relu")
    torch.testing.assert_close(teacher.directions @ teacher.directions.T, torch.eye(3, dtype=torch.float64))
    z = torch.relu(x @ teacher.directions.T)
    torch.testing.assert_close(teacher(x), (z[:, 0] - z[:, 1] + z[:, 2]) / 3**0.5)
    neuron = make_target("neuron", 4, activation="erf")
    torch.testing.assert_close(neuron(x), torch.erf(x @ neuron.directions[0]))
    assert make_target("teacher", 3, num_neurons=7).directions.shape == (7, 3)
    torch.testing.assert_close(
        make_target("teacher", 3, num_neurons=7).directions.norm(dim=1), torch.ones(7, dtype=torch.float64)
    )


def test_two_gaussians_have_their_variances():
    x, y = two_gaussians(20000, 10, 0.8, generator())
    assert float(y.sum()) == 0
    for sign in (1, -1):
        assert float(x[y == sign].var()) == pytest.approx((1 + 0.8 * sign) ** 2, rel=0.02)


def test_quadratic_risk_and_flow_are_the_means_over_the_population():
    """Against a sample of 400,000: five standard errors; and against the autograd of the exact risk."""
    gamma, constant = exponential_target(4, 1)
    field = QuadraticField(gamma, constant, alpha=1.5)
    theta = gaussian_particles(6, 4, [0, 1])
    x = draw_inputs("gaussian", 400_000, 4, generator(1))
    sampled = ParticleField(x, field.target(x), activation="quadratic", alpha=1.5)
    squares = sampled.residual(theta).square()
    error = squares.std(1) / len(x) ** 0.5
    assert ((squares.mean(1) - field.risk(theta)).abs() < 5 * error).all()
    leaf = theta.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(field.risk(leaf).sum(), leaf)
    torch.testing.assert_close(field(theta), -6 / (2 * 1.5**2) * gradient)
    torch.testing.assert_close(field(theta), sampled(theta), rtol=0.1, atol=0.1)


def test_quadratic_flow_learns_what_it_can():
    """Wide enough and rich enough: R goes to 0 for a target <x, G x>."""
    gamma, _ = exponential_target(3, 0)
    field = QuadraticField(gamma)
    theta = gaussian_particles(40, 3, [0])
    end = DormandPrince(1e-8, 1e-10).run(field, theta, [0.0, 30.0], lambda *_: None)
    assert float(field.risk(end)) < 1e-6 * float(field.risk(theta))


def test_observables():
    theta = gaussian_particles(50, 3, [0, 1])
    moved = theta.clone()
    moved[1] += 2.0  # each of the 4 coordinates
    torch.testing.assert_close(displacement(theta, moved), torch.tensor([0.0, 4.0], dtype=torch.float64))
    columns = marginals(theta, torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(columns["norm"], theta[..., 1:].norm(dim=-1))
    torch.testing.assert_close(columns["alignment"] * columns["norm"], theta[..., 1:].abs().amax(-1))
    edges, height = density(columns["a"][0], num_bins=11)
    assert float((height * edges.diff()).sum()) == pytest.approx(1)


def test_distances():
    """A translation moves a cloud by its length, and each projection by its part of it."""
    cloud = gaussian_particles(60, 3, [0])[0]
    shift = torch.tensor([0.3, 0.0, 0.4, 0.0], dtype=torch.float64)
    assert wasserstein(cloud, cloud[torch.randperm(60, generator=generator())] + shift) == pytest.approx(0.5)
    # E <shift, omega>^2 = |shift|^2 / 4
    assert sliced_wasserstein(cloud, cloud + shift, num_projections=4000) == pytest.approx(0.25, rel=0.05)
    assert sliced_wasserstein(cloud, cloud[:30]) > 0
    assert float(line_wasserstein(cloud[:, 0], cloud[:, 0].flip(0) + 2)) == pytest.approx(2)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: gaussian_particles(0, 3, [0]), "width=0"),
        (lambda: gaussian_particles(3, 3, [0], w_std=0.0), "w_std=0.0"),
        (lambda: make_target("cubic", 3), "choose one of neuron"),
        (lambda: make_target("teacher", 3, num_neurons=0), "num_neurons=0"),
        (lambda: draw_inputs("cube", 3, 3, generator()), "choose one of gaussian"),
        (lambda: draw_inputs("sphere", 0, 3, generator()), "n_samples=0"),
        (lambda: two_gaussians(3, 3, 1.0, generator()), "delta=1.0"),
        (lambda: QuadraticField(torch.eye(2), alpha=-1.0), "alpha=-1.0"),
    ],
)
def test_mistakes_are_sentences(call, message):
    with pytest.raises(LazyRegimeError, match=message):
        call()
