"""The flow in time: against scipy's integrator, a closed form, the closed kernel flow, and a network under SGD."""

import numpy as np
import pytest
import torch
from flow_reference import velocity
from scipy.integrate import solve_ivp

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import TwoLayer, parameter_scales
from lazyregime.two_layer import (
    DormandPrince,
    Euler,
    FreshField,
    FrozenResidualFlow,
    ParticleField,
    antisymmetric,
    gaussian_particles,
    log_times,
    particle_kernel,
    residual_flow,
)

FINE = DormandPrince(rtol=1e-10, atol=1e-12)


def problem(h=12, n=10, d=3, seeds=2):
    draw = torch.Generator().manual_seed(5)
    x, y = (torch.randn(n, *shape, generator=draw, dtype=torch.float64) for shape in ((d,), ()))
    return gaussian_particles(h, d, range(seeds)), x, y


def last(field, theta, end=3.0, integrator=FINE):
    return integrator.run(field, theta, [0.0, end], lambda *_: None)


@pytest.mark.parametrize("alpha", [1.0, 3.0])
def test_the_particles_follow_an_independent_integration(alpha):
    """Scipy's Runge-Kutta of order 8 on the autograd of the risk: another integrator and another right-hand side."""
    theta, x, y = problem()
    flowed = last(ParticleField(x, y, activation="tanh", alpha=alpha), theta)
    for s in range(len(theta)):

        def slope(_, flat):
            return velocity(torch.from_numpy(flat).view(theta[0].shape), x, y, "tanh", alpha).numpy().ravel()

        other = solve_ivp(slope, (0, 3.0), theta[s].numpy().ravel(), method="DOP853", rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(flowed[s].ravel(), other.y[:, -1], rtol=0, atol=1e-8)


def test_the_linear_problem_has_a_closed_form():
    state = torch.eye(3, dtype=torch.float64)
    matrix = torch.tensor([[-1.0, 2.0, 0.0], [-2.0, -1.0, 0.0], [0.0, 0.0, 0.5]], dtype=torch.float64)
    seen = {}
    FINE.run(lambda y: matrix @ y, state, [0.0, 0.3, 2.0], lambda t, y: seen.update({t: y}))
    for t, y in seen.items():
        torch.testing.assert_close(y, torch.linalg.matrix_exp(matrix * t), rtol=1e-8, atol=1e-9)


def test_euler_converges_at_order_one():
    theta, x, y = problem()
    field = ParticleField(x, y, activation="tanh")
    exact = last(field, theta)
    gaps = [float((last(field, theta, integrator=Euler(step)) - exact).norm()) for step in (0.02, 0.01, 0.005)]
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)
    assert gaps[1] / gaps[2] == pytest.approx(2, rel=0.05)


def test_seeds_together_are_seeds_alone():
    theta, x, y = problem()
    field = ParticleField(x, y, activation="tanh", alpha=2.0)
    together = last(field, theta)
    for s in range(len(theta)):
        torch.testing.assert_close(last(field, theta[s : s + 1]), together[s : s + 1], rtol=0, atol=1e-8)


def test_frozen_residual_is_the_integrated_one():
    """The closed form against the integrator with K_0 frozen, to 1e-6 and far better."""
    theta, x, y = problem(h=40)
    k0, field = particle_kernel(theta, x, activation="tanh"), ParticleField(x, y, activation="tanh")
    u0 = field.residual(theta)
    frozen, times = FrozenResidualFlow(k0, u0), [0.0, 0.1, 1.0, 10.0]
    closed, risks = frozen.residual(torch.tensor(times, dtype=torch.float64)), []
    FINE.run(lambda u: -torch.einsum("snm,sm->sn", k0, u) / len(x), u0, times, lambda _, u: risks.append(u))
    torch.testing.assert_close(closed, torch.stack(risks), rtol=0, atol=1e-8)
    risk = frozen.risk(torch.tensor(times, dtype=torch.float64))
    torch.testing.assert_close(risk, torch.stack(risks).square().mean(-1), rtol=0, atol=1e-8)


def test_frozen_residual_elsewhere():
    """Off the sample against augmenting the sample with a point of weight zero; a singular kernel is no matter."""
    theta, x, y = problem(h=2, n=12)
    x = torch.cat([x, x[:2]])
    y = torch.cat([y, y[:2]])
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    k, cross = (particle_kernel(theta, p, x, activation="tanh") for p in (x, z))
    u0 = y - ParticleField(x, y, activation="tanh").output(theta)
    u0_z = torch.randn(2, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def slope(state):
        u, _ = state
        return tuple(-torch.einsum("snm,sm->sn", kernel, u) / len(x) for kernel in (k, cross))

    _, expected = FINE.run(slope, (u0, u0_z), [0.0, 5.0], lambda *_: None)
    times = torch.tensor([5.0], dtype=torch.float64)
    torch.testing.assert_close(FrozenResidualFlow(k, u0).elsewhere(cross, u0_z, times)[0], expected, rtol=0, atol=1e-8)


def test_residual_dynamics_agree_with_function_dynamics():
    """U driven by the moving K_t, without ever looking at f, stays f* - f_t."""
    theta, x, y = problem(h=30)
    field = ParticleField(x, y, activation="tanh", alpha=1.0)
    moved, u = FINE.run(residual_flow(field), (theta, field.residual(theta)), [0.0, 4.0], lambda *_: None)
    assert float((moved - theta).norm()) > 0.5
    torch.testing.assert_close(u, field.residual(moved), rtol=0, atol=1e-8)


def test_antisymmetric_start_is_zero_and_keeps_the_kernel():
    theta, x, _ = problem(h=50)
    mirrored = antisymmetric(theta)
    for alpha in (1.0, 1e3):
        f = ParticleField(x, torch.zeros(2, 10, dtype=torch.float64), activation="tanh", alpha=alpha).output(mirrored)
        assert float(f.abs().max()) < 1e-15 * alpha
    torch.testing.assert_close(
        particle_kernel(mirrored, x, activation="tanh"), particle_kernel(theta, x, activation="tanh")
    )


def test_risk_never_rises():
    theta, x, y = problem(h=30)
    field, risks = ParticleField(x, y, activation="relu"), []
    Euler(0.01).run(field, theta, log_times(5.0, 40), lambda _, th: risks.append(field.residual(th).square().mean(1)))
    risks = torch.stack(risks)
    assert (risks.diff(dim=0) <= 0).all()
    assert (risks[-1] < 0.95 * risks[0]).all()


def test_training_a_mean_field_network_is_the_flow():
    """TwoLayer(parameterization=mean_field) under gradient descent on u^2/2 from the same weights, step by step.

    Its weights are w and its inputs are divided by sqrt(d); Lambda = N is the flow's N / (2 alpha^2) on E[u^2].
    """
    d, h, step = 3, 12, 0.05
    _, x, y = problem(h=h, d=d)
    network = TwoLayer(h, in_features=d, n_outputs=1, activation="tanh", parameterization="mean_field").double()
    names = dict(network.named_parameters())
    (w_name, w), (a_name, a) = names.items()
    theta = torch.cat([a.detach().T, w.detach()], 1)[None].clone()
    scales = parameter_scales(network)
    torch.testing.assert_close(
        network(x)[:, 0],
        ParticleField(x / d**0.5, y, activation="tanh").output(theta)[0],
    )
    for _ in range(20):
        loss = 0.5 * (network(x)[:, 0] - y).square().mean()
        gradients = torch.autograd.grad(loss, [w, a])
        with torch.no_grad():
            for p, name, g in zip((w, a), (w_name, a_name), gradients, strict=True):
                p -= step * scales[name].sgd * g
    flowed = Euler(step).run(ParticleField(x / d**0.5, y, activation="tanh"), theta, [0.0, 20 * step], lambda *_: None)
    torch.testing.assert_close(flowed[0, :, 0], a.detach()[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(flowed[0, :, 1:], w.detach(), rtol=0, atol=1e-12)


def test_fresh_data_is_stochastic_gradient_descent():
    """Each step sees the next sample, and is a step of SGD with rate step N / (2 alpha^2) on its risk."""
    theta, _, _ = problem()
    draw = torch.Generator().manual_seed(0)
    samples = [torch.randn(6, 4, generator=draw, dtype=torch.float64) for _ in range(3)]
    stream = iter(samples)

    def sample():
        rows = next(stream)
        return rows[:, :3], rows[:, 3]

    fresh = FreshField(ParticleField(samples[0][:, :3], samples[0][:, 3], activation="tanh", alpha=2.0), sample)
    flowed = Euler(0.1).run(fresh, theta, [0.0, 0.3], lambda *_: None)
    expected = theta[1].clone()
    for rows in samples:
        expected = expected + 0.1 * velocity(expected, rows[:, :3], rows[:, 3], "tanh", 2.0)
    torch.testing.assert_close(flowed[1], expected, rtol=0, atol=1e-13)


def test_memory_does_not_grow_with_steps():
    """The tensors alive at the end of 10 steps and of 100, counted."""
    import gc

    theta, x, y = problem()
    field, alive = ParticleField(x, y, activation="tanh"), []

    def count(*_):
        gc.collect()
        alive.append(sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects()))

    for integrator in (Euler(0.01), DormandPrince(rtol=1e-12, atol=1e-14)):
        alive.clear()
        integrator.run(field, theta, [0.0, 0.1, 1.0, 10.0], count)
        assert alive[3] == alive[2] == alive[1]


@pytest.mark.parametrize("times", [[0.0], [0.0, 0.0], [1.0, 0.5], [0.0, float("inf")]])
def test_times_must_increase(times):
    for integrator in (FINE, Euler()):
        with pytest.raises(LazyRegimeError, match="at least two that increase"):
            integrator.run(lambda y: y, torch.zeros(1, dtype=torch.float64), times, lambda *_: None)


def test_a_flow_that_explodes_says_so():
    square = torch.full((1,), 2.0, dtype=torch.float64)
    with pytest.raises(LazyRegimeError, match="smaller step"):
        Euler(0.5).run(lambda y: y**3, square, [0.0, 20.0], lambda *_: None)
    with pytest.raises(LazyRegimeError, match="The flow stopped between t=0 and t=1"):
        FINE.run(lambda y: y**2, square, [0.0, 1.0], lambda *_: None)
    with pytest.raises(LazyRegimeError, match="step=0"):
        Euler(0.0).run(lambda y: y, square, [0.0, 1.0], lambda *_: None)
    with pytest.raises(LazyRegimeError, match="0 < first < end"):
        log_times(1.0, 5, first=2.0)
