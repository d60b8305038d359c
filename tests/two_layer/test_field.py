"""The particle field against autograd of the risk, one seed at a time."""

from itertools import pairwise

import pytest
import torch
from flow_reference import SIGMAS, kernel, output, risk, velocity

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import ACTIVATIONS
from lazyregime.two_layer import ParticleField, apply_kernel, gaussian_particles, particle_kernel

CLOSE = {"rtol": 1e-12, "atol": 1e-13}


def problem(seeds=3, h=5, n=7, d=4, shared=True):
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(*(() if shared else (seeds,)), n, d, generator=draw, dtype=torch.float64)
    y = torch.randn(seeds, n, generator=draw, dtype=torch.float64)
    return gaussian_particles(h, d, range(seeds)), x, y


@pytest.mark.parametrize("sigma", sorted(SIGMAS))
@pytest.mark.parametrize("block", [1, 20, 40, 10**6])
@pytest.mark.parametrize("shared", [True, False])
def test_velocity_is_minus_n_over_two_alpha_squared_times_the_gradient(sigma, block, shared):
    theta, x, y = problem(shared=shared)
    field = ParticleField(x, y, activation=sigma, alpha=1.7, block=block)
    for _ in range(2):  # the buffers are used again
        v, u = field(theta), field.residual(theta)
    for s in range(len(theta)):
        x_s = x if shared else x[s]
        torch.testing.assert_close(v[s], velocity(theta[s], x_s, y[s], sigma, 1.7), **CLOSE)
        torch.testing.assert_close(u[s], y[s] - output(theta[s], x_s, sigma, 1.7), **CLOSE)


def test_every_activation_of_the_library_is_known():
    assert set(ACTIVATIONS) <= set(SIGMAS), "add the new activation to the reference"


@pytest.mark.parametrize("trained, still", [("a", slice(1, None)), ("w", slice(0, 1))])
def test_a_layer_that_is_not_trained_stays(trained, still):
    theta, x, y = problem()
    v = ParticleField(x, y, activation="tanh", trained=trained)(theta)
    whole = ParticleField(x, y, activation="tanh")(theta)
    assert (v[..., still] == 0).all()
    kept = slice(0, 1) if trained == "a" else slice(1, None)
    torch.testing.assert_close(v[..., kept], whole[..., kept], **CLOSE)


@pytest.mark.parametrize("sigma", ["relu", "erf", "tanh"])
def test_kernel_by_its_definition_and_without_forming_it(sigma):
    theta, x, y = problem()
    k = particle_kernel(theta, x, activation=sigma)
    for s in range(len(theta)):
        torch.testing.assert_close(k[s], kernel(theta[s], x, sigma), **CLOSE)
    field = ParticleField(x, y, activation=sigma, alpha=3.0, block=20)
    torch.testing.assert_close(apply_kernel(field, theta, y), torch.einsum("snm,sm->sn", k, y) / len(x), **CLOSE)
    torch.testing.assert_close(particle_kernel(theta, x, x[:2], activation=sigma), k[:, :, :2], **CLOSE)


@pytest.mark.parametrize("trained", ["a", "w", "both"])
def test_the_kernel_is_of_the_layers_that_are_trained(trained):
    theta, x, y = problem()
    field = ParticleField(x, y, activation="tanh", trained=trained)
    k = particle_kernel(theta, x, activation="tanh", trained=trained)
    torch.testing.assert_close(apply_kernel(field, theta, y), torch.einsum("snm,sm->sn", k, y) / len(x), **CLOSE)


@pytest.mark.parametrize("alpha", [1.0, 8.0])
def test_function_dynamics(alpha):
    """du/dt = -(1/n) K_t u, the error of the difference quotient falling like dt."""
    theta, x, y = problem(h=20)
    field = ParticleField(x, y, activation="tanh", alpha=alpha)
    u, v = field.residual(theta), field(theta)
    expected = -apply_kernel(field, theta, u)
    gaps = [
        ((field.residual(theta + dt * v) - u) / dt - expected).norm() / expected.norm() for dt in (1e-3, 1e-4, 1e-5)
    ]
    assert gaps[0] < 1e-2
    for coarse, fine in pairwise(gaps):
        assert 8 < coarse / fine < 12


def test_dissipation():
    """dR/dt = -2 (1/n^2) u K u <= 0."""
    theta, x, y = problem(h=20)
    field = ParticleField(x, y, activation="tanh", alpha=2.0)
    u, dt = field.residual(theta), 1e-5
    k = particle_kernel(theta, x, activation="tanh")
    expected = -2 * torch.einsum("sn,snm,sm->s", u, k, u) / len(x) ** 2
    assert (expected < 0).all()
    v = field(theta)
    ahead, behind = (field.residual(theta + sign * dt * v).square().mean(1) for sign in (1, -1))
    torch.testing.assert_close((ahead - behind) / (2 * dt), expected, rtol=1e-7, atol=0)
    for s in range(len(theta)):
        torch.testing.assert_close(u[s].square().mean(), risk(theta[s], x, y[s], "tanh", 2.0), **CLOSE)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"alpha": 0.0}, "alpha=0.0 is not possible"),
        ({"alpha": float("inf")}, "positive and finite"),
        ({"activation": "relUU"}, "choose one of relu"),
        ({"trained": "b"}, "choose both, a or w"),
        ({"targets": torch.zeros(8)}, "one an input"),
    ],
)
def test_mistakes_are_sentences(change, message):
    _, x, y = problem()
    arguments = {"targets": y, "activation": "tanh", "alpha": 1.0, **change}
    with pytest.raises(LazyRegimeError, match=message):
        ParticleField(x, **arguments)
