"""The flow as an ordinary optimizer with a closure: the same steps as the ensemble's, and an exact resumption."""

import copy

import pytest
import torch
from flow_problems import SETTINGS, flow_to_the_end, network, points, problem

from lazyregime.errors import LazyRegimeError
from lazyregime.gradient_flow import FlowSettings, GradientFlow, Status
from lazyregime.regimes import GradientFlow as Recipe
from lazyregime.regimes import Scaled, SoftHinge

ALPHA = 2.0


def optimize(module, optimizer, steps):
    x, y = points()

    def closure():
        optimizer.zero_grad()
        loss = module.training_step((x, y), 0)
        loss.backward()
        return loss

    return [float(optimizer.step(closure).detach()) for _ in range(steps)]


def regime(parameterization="ntk"):
    recipe = Recipe(max_dgrad=1e-2, max_steps=3000)
    return Scaled(network(parameterization=parameterization), alpha=ALPHA, loss=SoftHinge(), optimizer=recipe)


@pytest.mark.parametrize("parameterization", ["ntk", "mean_field", "mup"])
def test_the_optimizer_takes_the_steps_of_the_flow(parameterization):
    module = regime(parameterization)
    steps = 40
    losses = optimize(module, module.configure_optimizers(), steps)
    assert losses[-1] < losses[0]
    settings = FlowSettings(**{**vars(SETTINGS), "max_steps": steps})
    (end,) = flow_to_the_end(*problem([network(parameterization=parameterization)], [ALPHA], centred=True), settings)
    x, _ = points()
    torch.testing.assert_close(module(x).detach(), ALPHA * end.outputs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("momentum_time", [0.0, 0.1])
def test_an_optimizer_restored_from_its_state_goes_on_bit_for_bit(momentum_time):
    module = Scaled(
        network(), alpha=ALPHA, loss=SoftHinge(), optimizer=Recipe(max_steps=100, momentum_time=momentum_time)
    )
    optimizer = module.configure_optimizers()
    optimize(module, optimizer, 15)
    copied = copy.deepcopy(module)
    other = copied.configure_optimizers()
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert optimize(module, optimizer, 15) == optimize(copied, other, 15)
    assert optimizer.time == other.time


def test_a_flow_without_a_closure_is_refused():
    with pytest.raises(LazyRegimeError, match="closure"):
        GradientFlow(network().parameters()).step()


def test_an_optimizer_that_is_stuck_says_so():
    weight = torch.zeros(1, requires_grad=True, dtype=torch.float64)
    optimizer = GradientFlow([weight])

    def closure():
        optimizer.zero_grad()
        loss = (0 * weight).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert optimizer.status == Status.converged


@pytest.mark.parametrize(
    ("setting", "value"),
    [("max_dgrad", 0.0), ("max_dout", -1.0), ("momentum_time", -1.0), ("save_every", 0.0), ("together", "x")],
)
def test_what_cannot_be_is_refused_by_its_name(setting, value):
    with pytest.raises(LazyRegimeError, match=setting):
        Recipe(**{setting: value})


def test_a_flow_without_an_end_is_refused():
    with pytest.raises(LazyRegimeError, match="never end"):
        FlowSettings(margin=None)
