"""Flows against closed forms: the kernel's exponential, the lazy limit, and functions written in two ways."""

import itertools
import math

import pytest
import torch
from flow_problems import SETTINGS, WIDTH, flow_to_the_end, network, points, problem

from lazyregime.gradient_flow import FlowProblem, FlowSettings, KernelFunction
from lazyregime.kernels import empirical_ntk
from lazyregime.regimes import MSE


def kernel_problem(networks, loss):
    x, y = points()
    function = KernelFunction(torch.stack([empirical_ntk(m, x) for m in networks]))
    ones = torch.ones(len(networks), dtype=torch.float64)
    return FlowProblem(function, y.expand(len(networks), -1), ones, loss), function.start(1)


def test_a_kernel_flow_is_its_exponential():
    """For the square loss F(t) = (1 - exp(-K t / n)) Y, which steps of Euler reach as their size falls."""
    x, y = points()
    errors = []
    for max_dgrad in (1e-3, 1e-5):
        settings = FlowSettings(max_dgrad=max_dgrad, margin=None, max_time=20.0, initial_step=0.1)
        ((gram,), (end,)) = (
            [empirical_ntk(network(), x)],
            flow_to_the_end(*kernel_problem([network()], MSE()), settings),
        )
        target = (2.0 * y.double() - 1)[:, None]
        exact = target - torch.linalg.matrix_exp(-gram * 20.0 / len(y)) @ target
        assert end.time == pytest.approx(20.0, rel=1e-12)
        errors.append(float((end.outputs - exact).norm() / exact.norm()))
    assert errors[1] < 5e-3
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.3)  # dt ~ sqrt(max_dgrad), and Euler's error ~ dt


def test_the_linearized_network_takes_the_steps_of_its_kernel():
    networks = [network(seed) for seed in (0, 1)]
    lazy, initial = problem(networks, [1.0, 1.0], centred=True, linearized=True)
    from lazyregime.regimes import SoftHinge

    by_network = flow_to_the_end(lazy, [torch.zeros_like(w) for w in initial])
    by_kernel = flow_to_the_end(*kernel_problem(networks, SoftHinge()))
    for a, b in zip(by_network, by_kernel, strict=True):
        assert (a.steps, a.attempts, a.status) == (b.steps, b.attempts, b.status)
        torch.testing.assert_close(a.outputs, b.outputs, rtol=1e-9, atol=1e-9)


def test_the_error_of_the_lazy_limit_falls_as_one_over_alpha():
    """The flow of alpha (f - f0) tends to that of the tangent model; no bound but that of the gradient chooses dt."""
    settings = FlowSettings(max_dgrad=1e-3, max_dout=1e9, margin=None, max_time=10.0, initial_step=0.1)
    networks = [network()]
    lazy, initial = problem(networks, [1.0], loss=MSE(), centred=True, linearized=True)
    (limit,) = flow_to_the_end(lazy, [torch.zeros_like(w) for w in initial], settings)
    alphas, gaps = (30.0, 300.0, 3000.0), []
    for alpha in alphas:
        (end,) = flow_to_the_end(*problem(networks, [alpha], loss=MSE(), centred=True), settings)
        gaps.append(float((alpha * end.outputs - limit.outputs).norm()))
    for wide, narrow in itertools.pairwise(gaps):
        assert math.log10(narrow / wide) == pytest.approx(-1, abs=0.15)


@pytest.mark.parametrize("alpha", [0.05, 20.0])
def test_the_same_function_in_another_parameterization_has_the_same_flow(alpha):
    (ntk,) = flow_to_the_end(*problem([network()], [alpha], centred=True))
    scaled = alpha * WIDTH**0.5
    (mean_field,) = flow_to_the_end(*problem([network(parameterization="mean_field")], [scaled], centred=True))
    assert (ntk.steps, ntk.attempts) == (mean_field.steps, mean_field.attempts)
    assert mean_field.time == pytest.approx(ntk.time, rel=1e-9)
    torch.testing.assert_close(scaled * mean_field.outputs, alpha * ntk.outputs, rtol=1e-8, atol=1e-9)


def test_a_homogeneous_network_scaled_by_tau_is_alpha_tau_squared():
    """Two layers of ReLU: h(tau w0) = tau^2 h(w0); the flow of the large weights is the rescaled one of the small."""
    from lazyregime.networks import TwoLayer

    x, _ = points()
    torch.manual_seed(0)
    small = TwoLayer(WIDTH, in_features=x.shape[1], n_outputs=1, parameterization="ntk").double()
    tau = 3.0
    settings = FlowSettings(max_dgrad=1e-4, max_dout=1e9, margin=None, max_time=1.0, initial_step=1e-3)
    alpha_run, initial = problem([small], [tau**2], loss=MSE(), centred=True)
    (by_alpha,) = flow_to_the_end(alpha_run, initial, settings)
    large, _ = problem([small], [1.0], loss=MSE(), centred=True)
    large.function.initial = [tau * w for w in initial]
    large.function._f0 = tau**2 * large.function.forward(initial, large.function.inputs, True)
    # d(tau w)/dt = -grad l(h(tau w)): in the time of the small weights it is tau^2 slower
    (by_scale,) = flow_to_the_end(
        large, [tau * w for w in initial], FlowSettings(**{**vars(settings), "max_time": 1.0 / tau**2})
    )
    torch.testing.assert_close(by_scale.outputs, tau**2 * by_alpha.outputs, rtol=0.02, atol=0.02)


def test_momentum_vanishes_with_its_time():
    (plain,) = flow_to_the_end(*problem([network()], [1.0], centred=True))
    settings = FlowSettings(**{**vars(SETTINGS), "momentum_time": 1e-6})
    (with_momentum,) = flow_to_the_end(*problem([network()], [1.0], centred=True), settings)
    torch.testing.assert_close(with_momentum.outputs, plain.outputs, rtol=1e-3, atol=1e-3)


def test_momentum_is_integrated_exactly():
    """Under a constant gradient v(t) = -(1 - exp(-t/tau)) g, whatever the steps."""
    from lazyregime.gradient_flow import attempt
    from lazyregime.gradient_flow.step import begin

    class Slope:
        alpha = torch.ones(1, dtype=torch.float64)

        @property
        def function(self):
            return self

        def evaluate(self, params):
            return params[0].unsqueeze(-1), [torch.full_like(params[0], 2.0)]

        def inner(self, a, b):
            return (a[0] * b[0]).sum(1)

        def displacement(self, direction):
            return direction

    settings = FlowSettings(momentum_time=0.7, max_steps=50, max_dout=0.05, initial_step=0.01)
    state = begin(Slope(), [torch.zeros(1, 1, dtype=torch.float64)], settings)
    for _ in range(40):
        state = attempt(state, Slope(), settings)
    expected = -2.0 * (1 - math.exp(-float(state.time) / 0.7))
    assert float(state.velocity[0]) == pytest.approx(expected, rel=1e-12)


def test_real_targets_have_no_margin_beyond_which_a_flow_ends():
    x, _ = points()
    targets = 3 + x[:, :1]  # Y F, as if the targets were classes, is soon above 1 everywhere
    (end,) = flow_to_the_end(*problem([network()], [1.0], loss=MSE(), y=targets, centred=True), SETTINGS)
    assert end.status.name == "max_steps"
