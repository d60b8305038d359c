"""Many members at once follow, each, the flow that they follow alone; and a flow goes on exactly where it stopped."""

import pytest
import torch
from flow_problems import SETTINGS, flow_to_the_end, network, points, problem, stacked

from lazyregime.gradient_flow import Flow, FlowProblem, FlowSettings, NetworkFunction, Status, attempt
from lazyregime.gradient_flow.grouping import members_at_once
from lazyregime.gradient_flow.step import begin
from lazyregime.networks import CNN, MLP
from lazyregime.regimes import SoftHinge

ALPHAS = [0.05, 1.0, 30.0]


@pytest.mark.parametrize("at_once", [3, 2, 1])
@pytest.mark.parametrize("linearized", [False, True], ids=["network", "lazy"])
def test_an_ensemble_is_its_members_one_by_one(at_once, linearized):
    networks = [network(seed) for seed in range(3)]
    options = {"centred": True, "linearized": linearized}
    together, initial = problem(networks, ALPHAS, at_once=at_once, **options)
    start = [torch.zeros_like(w) for w in initial] if linearized else initial
    settings = FlowSettings(max_dgrad=1e-2, max_steps=40 if linearized else 150)
    for member, end in enumerate(flow_to_the_end(together, start, settings)):
        alone, own = problem([networks[member]], [ALPHAS[member]], **options)
        (expected,) = flow_to_the_end(alone, [torch.zeros_like(w) for w in own] if linearized else own, settings)
        assert (end.steps, end.attempts, end.status) == (expected.steps, expected.attempts, expected.status)
        torch.testing.assert_close(end.outputs, expected.outputs, rtol=1e-6, atol=1e-9)


def test_members_may_have_points_of_their_own():
    sets = [points(seed) for seed in range(2)]
    x, y = torch.stack([s[0] for s in sets]), torch.stack([s[1] for s in sets])
    networks = [network(seed) for seed in range(2)]
    ends = flow_to_the_end(*problem(networks, [1.0, 1.0], x=x, y=y, own_inputs=True, centred=True))
    for member, end in enumerate(ends):
        alone = problem([networks[member]], [1.0], x=x[member], y=y[member], centred=True)
        torch.testing.assert_close(end.outputs, flow_to_the_end(*alone)[0].outputs, rtol=1e-6, atol=1e-9)


def test_a_network_that_is_no_chain_is_mapped():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(8, 1, 8, 8, dtype=torch.float64, generator=generator)
    y = torch.arange(8) % 2
    networks = []
    for seed in range(2):
        torch.manual_seed(seed)
        networks.append(CNN(3, depth=2, image_size=8, n_outputs=1, parameterization="ntk", activation="tanh").double())
    settings = FlowSettings(max_dgrad=1e-2, max_steps=20)
    ends = flow_to_the_end(*problem(networks, [1.0, 1.0], x=x, y=y, at_once=2), settings)
    for member, end in enumerate(ends):
        (alone,) = flow_to_the_end(*problem([networks[member]], [1.0], x=x, y=y), settings)
        torch.testing.assert_close(end.outputs, alone.outputs, rtol=1e-6, atol=1e-9)


def test_outputs_and_gradient_are_those_of_the_network():
    x, y = points()
    networks = [network(seed) for seed in range(2)]
    (both, initial) = problem(networks, [2.0, 0.5])
    outputs, grads = both.evaluate(initial)
    for member, net in enumerate(networks):
        alpha = float(both.alpha[member])
        torch.testing.assert_close(outputs[member], net(x).detach(), rtol=1e-12, atol=1e-12)
        (SoftHinge()(alpha * net(x), y) / alpha**2).backward()
        for parameter, grad in zip(net.parameters(), grads, strict=True):
            torch.testing.assert_close(grad[member], parameter.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("momentum_time", [0.0, 0.1])
def test_a_flow_goes_on_bit_for_bit(momentum_time):
    settings = FlowSettings(**{**vars(SETTINGS), "momentum_time": momentum_time, "max_steps": 60})
    networks = [network(0), network(1)]
    whole = flow_to_the_end(*problem(networks, [1.0, 10.0], centred=True), settings)
    halfway = FlowSettings(**{**vars(settings), "max_steps": 25})
    part_problem, start = problem(networks, [1.0, 10.0], centred=True)
    flow = Flow(part_problem, start, settings)
    while int(flow.state.steps.min()) < halfway.max_steps:
        flow.run(lambda _: None, pause_after=1e-9)
    again_problem, again_start = problem(networks, [1.0, 10.0], centred=True)
    resumed = flow_to_the_end(again_problem, again_start, settings, resumed=flow.save())
    for a, b in zip(whole, resumed, strict=True):
        assert (a.steps, a.time) == (b.steps, b.time)
        assert torch.equal(a.outputs, b.outputs)


def test_members_can_be_parted_and_joined():
    networks = [network(0), network(1)]
    whole = flow_to_the_end(*problem(networks, [1.0, 10.0], centred=True))
    flow = Flow(*problem(networks, [1.0, 10.0], centred=True), SETTINGS)
    for _ in range(20):
        flow.run(lambda _: None, pause_after=1e-9)
    joined = Flow.joined([flow.member_state(1), flow.member_state(0)])
    ends = flow_to_the_end(*problem(networks[::-1], [10.0, 1.0], centred=True), resumed=joined)
    for a, b in zip(whole, ends[::-1], strict=True):
        torch.testing.assert_close(a.outputs, b.outputs, rtol=1e-9, atol=1e-12)


def test_every_end_has_its_name():
    x, y = points()
    ends = {
        Status.fitted: FlowSettings(max_dgrad=1e-2),
        Status.max_steps: FlowSettings(max_steps=5),
        Status.max_time: FlowSettings(max_time=0.01),
        Status.converged: FlowSettings(margin=None, min_loss=0.5),
        Status.max_seconds: FlowSettings(margin=None, max_seconds=0.05),
    }
    for status, settings in ends.items():
        (end,) = flow_to_the_end(*problem([network()], [1.0], centred=True), settings)
        assert end.status == status
    assert SoftHinge()(end.outputs, y) > 0 and len(x)


def test_a_flow_that_cannot_go_on_says_so():
    broken, start = problem([network()], [1.0], centred=True)
    start[0][0, 0, 0] = float("nan")
    (end,) = flow_to_the_end(broken, start)
    assert end.status == Status.diverged
    # in float32, at an alpha whose outputs are lost in the rounding of f - f0, no step is accepted or none moves
    x, y = points()
    coarse = network().float()
    function = NetworkFunction(coarse, x.float(), stacked([coarse]), centred=True)
    lost = FlowProblem(function, y[None], torch.tensor([1e12]), SoftHinge())
    (end,) = flow_to_the_end(lost, stacked([coarse]), FlowSettings(max_steps=100_000))
    assert end.status == Status.stuck


class Kink:
    """One weight a member; the gradient is -1 up to `where` and -1.5 beyond: dgrad is 1/6 for every step across."""

    def __init__(self, where):
        self.where = where
        self.alpha = torch.ones(len(where), dtype=torch.float64)

    @property
    def function(self):
        return self

    def evaluate(self, params):
        slope = torch.where(params[0] < self.where[:, None], -1.0, -1.5).to(torch.float64)
        return params[0].unsqueeze(-1), [slope]

    def inner(self, a, b):
        return (a[0] * b[0]).sum(1)

    def displacement(self, direction):
        return direction


OVER_KINKS = FlowSettings(max_dgrad=1e-3, max_dout=1e9, initial_step=1.0, max_steps=10)


def test_a_step_crosses_a_kink_whose_jump_exceeds_the_bound():
    kink = Kink(torch.tensor([0.005]))
    state = begin(kink, [torch.zeros(1, 1, dtype=torch.float64)], OVER_KINKS)
    refused = attempt(state, kink, OVER_KINKS)
    assert (int(refused.steps), float(refused.dt)) == (0, pytest.approx(0.1))
    crossed = attempt(refused, kink, OVER_KINKS)
    assert (int(crossed.steps), float(crossed.params[0])) == (1, pytest.approx(0.1))
    assert float(crossed.dt) == pytest.approx(1.1)


def test_a_kink_at_any_distance_is_crossed_in_few_steps():
    """Also where a shorter step stops before it: the flow must not creep up to it by ever shorter steps."""
    where = torch.linspace(0.011, 0.999, 200, dtype=torch.float64)
    kink = Kink(where)
    state = begin(kink, [torch.zeros(len(where), 1, dtype=torch.float64)], OVER_KINKS)
    for _ in range(20):
        state = attempt(state, kink, OVER_KINKS)
    assert bool((state.params[0][:, 0] > where).all())
    assert float(state.dt.min()) > 0.05


def test_a_curved_gradient_is_not_taken_for_a_kink():
    """Within a refused step a shorter one is refused too unless its dgrad is below the bound."""

    class Growing(Kink):
        def evaluate(self, params):  # exp(200 w): dgrad over dt is about (200 dt)^2
            return params[0].unsqueeze(-1), [-(1 + 1e-3 * torch.exp(200 * params[0]))]

    growing = Growing(torch.zeros(1))
    settings = FlowSettings(max_dgrad=1e-3, max_dout=1e9, initial_step=0.1, max_steps=10)
    state, accepted = begin(growing, [torch.zeros(1, 1, dtype=torch.float64)], settings), []
    for _ in range(60):
        after = attempt(state, growing, settings)
        if int(after.steps) > int(state.steps):
            change = after.grads[0] - state.grads[0]
            accepted.append(float(change**2 / (after.grads[0] * state.grads[0])))
        state = after
    assert len(accepted) > 10
    assert max(accepted) < settings.max_dgrad


def test_the_rule_batches_small_members_and_loops_over_large_ones():
    small, large = torch.zeros(64, 10), torch.zeros(100_000, 784)
    assert members_at_once(MLP(100, in_features=10), small, 20, shared=True) == 20
    assert members_at_once(MLP(100, in_features=784), large, 20, shared=True) == 1
