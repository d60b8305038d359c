"""dw/dt = -rate grad l - mu w of a linear model against its closed form: a flow, its tangent model, an optimizer."""

import pytest
import torch
from flow_problems import flow_to_the_end
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.gradient_flow import FlowProblem, FlowSettings, GradientFlow, NetworkFunction
from lazyregime.regimes import MSE

N, D, RATE, MU, TIME = 12, 3, 2.5, 0.4, 0.3
SETTINGS = FlowSettings(max_dgrad=1e-4, max_dout=1.0, initial_step=1e-3, max_time=TIME, margin=None, weight_decay=MU)


def problem():
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(N, k, dtype=torch.float64, generator=generator) for k in (D, 1))
    return x, y, torch.randn(1, D, dtype=torch.float64, generator=generator)


def closed_form():
    """W(t) = w* + e^{-(A + mu) t} (w0 - w*) with A = rate x^T x / n, (A + mu) w* = rate x^T y / n."""
    x, y, w0 = problem()
    a = RATE * x.T @ x / N + MU * torch.eye(D, dtype=torch.float64)
    limit = torch.linalg.solve(a, RATE * x.T @ y / N)
    return (limit + torch.matrix_exp(-TIME * a) @ (w0.T - limit)).T


def model():
    return nn.Linear(D, 1, bias=False).double()


@pytest.mark.parametrize("linearized", [False, True])
def test_a_flow_with_decay(linearized):
    x, y, w0 = problem()
    function = NetworkFunction(model(), x, [w0[None]], rates=[RATE], linearized=linearized, decay=MU)
    # The tangent model is J (w - w0): its residual has f0 in the targets.
    targets = (y - x @ w0.T if linearized else y)[None]
    start = [torch.zeros_like(w0)[None] if linearized else w0[None]]
    flow = FlowProblem(function, targets, torch.ones(1, dtype=torch.float64), MSE())
    (end,) = flow_to_the_end(flow, start, SETTINGS)
    torch.testing.assert_close(end.params[0] + (w0 if linearized else 0), closed_form(), rtol=1e-2, atol=1e-2)


def test_the_optimizer_with_decay():
    x, y, w0 = problem()
    network = model()
    network.weight.data.copy_(w0)
    optimizer = GradientFlow(network.parameters(), settings=SETTINGS, lr=RATE)

    def closure():
        optimizer.zero_grad()
        loss = MSE()(network(x), y)
        loss.backward()
        return loss

    while optimizer.time < TIME * (1 - 1e-9):
        optimizer.step(closure)
    torch.testing.assert_close(network.weight.detach(), closed_form(), rtol=1e-2, atol=1e-2)


def test_a_decay_that_is_none_or_negative_is_refused():
    with pytest.raises(LazyRegimeError, match="weight_decay"):
        FlowSettings(weight_decay=-1.0)
