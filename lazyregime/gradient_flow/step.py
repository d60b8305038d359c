"""One attempt of a step, for every flow of an ensemble on its own: accept and grow dt, or refuse and divide it by ten.

A step is accepted if ||g - g'||^2 / (||g|| ||g'||) < max_dgrad and alpha max |h' - h| < max_dout. If both are below
half their bound, dt grows by a tenth [GSJW20; science 5.2].

Where the gradient jumps (a ReLU changes sign) no step is short enough for the first bound if the jump exceeds it. So a
step counts as one over a kink, and is accepted, if it starts within the latest refused step and is at most a fifth as
long, and yet its dgrad is more than half of the refused one's: where the gradient is continuous, dgrad falls with dt^2.
dt then is restored to the refused one's and grows. Were the refusal forgotten over a shorter step that stops before the
kink, or dt not restored, a flow would come to a kink, or follow several of them, by ever shorter steps and stand still.
"""

from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.gradient_flow.problem import Metric
from lazyregime.gradient_flow.settings import FlowSettings, Status
from lazyregime.gradient_flow.state import FlowState, Params

GROWTH, SHRINKAGE = 1.1, 10.0
MOST_REFUSED = 30  # in a row: dt has fallen by 1e-30
MUCH_SHORTER = 5.0  # than the refused step, for a step that may cross a kink
LARGEST_JUMP = 1.0  # of dgrad at a kink that a step may cross: the gradient changes by about itself


@runtime_checkable
class Evaluable(Protocol):
    """What a step needs of a problem."""

    @property
    def function(self) -> Metric: ...  # noqa: D102

    @property
    def alpha(self) -> Float[Tensor, " e"]: ...  # noqa: D102

    def evaluate(self, params: Params) -> tuple[Float[Tensor, "e n k"], Params]: ...  # noqa: D102


@torch.no_grad()
def begin(problem: Evaluable, params: Params, settings: FlowSettings) -> FlowState:
    """The flows at time zero."""
    outputs, grads = problem.evaluate(params)
    members, device = len(outputs), outputs.device
    clock = torch.zeros(members, dtype=torch.float64, device=device)
    count = torch.zeros(members, dtype=torch.int64, device=device)
    state = FlowState(
        params=params,
        velocity=[torch.zeros_like(p) for p in params] if settings.momentum_time else [],
        grads=grads,
        outputs=outputs,
        square_norms=problem.function.inner(grads, grads),
        time=clock,
        dt=torch.full_like(clock, settings.initial_step),
        steps=count,
        attempts=count,
        refused=count,
        refused_dgrad=torch.full_like(clock, float("inf")),
        refused_dt=clock,
        refused_until=clock,
        status=count,
    )
    return _told(state)


@torch.no_grad()
def attempt(state: FlowState, problem: Evaluable, settings: FlowSettings) -> FlowState:
    """Try one step of every member; who refuses it stays where it is, with a smaller dt."""
    dt = state.dt
    if settings.max_time is not None:
        dt = torch.minimum(dt, settings.max_time - state.time)
    velocity, direction = _velocity(state, dt, settings)
    moves = problem.function.displacement(direction)
    params = [p + _per_member(dt, p) * m for p, m in zip(state.params, moves, strict=True)]
    outputs, grads = problem.evaluate(params)
    square_norms = problem.function.inner(grads, grads)
    dgrad, dout = _changes(state, problem, outputs, grads, square_norms)
    within = (state.time < state.refused_until) & (dt <= state.refused_dt / MUCH_SHORTER)
    kink = within & (dgrad > state.refused_dgrad / 2) & (dgrad < LARGEST_JUMP)
    accepted = ((dgrad < settings.max_dgrad) | kink) & (dout < settings.max_dout)
    calm = (dgrad < settings.max_dgrad / 2) & (dout < settings.max_dout / 2)
    after = FlowState(
        params=params,
        velocity=velocity,
        grads=grads,
        outputs=outputs,
        square_norms=square_norms,
        time=state.time + dt,
        dt=torch.where(
            calm, torch.maximum(state.dt, dt * GROWTH), torch.where(kink, state.refused_dt * GROWTH, state.dt)
        ),
        steps=state.steps + 1,
        attempts=state.attempts + 1,
        refused=torch.zeros_like(state.refused),
        refused_dgrad=state.refused_dgrad,
        refused_dt=state.refused_dt,
        refused_until=state.refused_until,
        status=state.status,
    )
    moved = after if bool(accepted.all()) else _refused(state, dt, dgrad).mixed(after, accepted)
    if bool((dout == 0).any()):
        moved = moved.with_status(Status.stuck, accepted & _same(params, state.params))
    return _told(moved)


def _same(a: Params, b: Params) -> Tensor:
    return torch.stack([(p == q).flatten(1).all(1) for p, q in zip(a, b, strict=True)]).all(0)


def _velocity(state: FlowState, dt: Tensor, settings: FlowSettings) -> tuple[Params, Params]:
    # dv/dt = -(v + g)/tau with g held over the step, integrated exactly
    if not settings.momentum_time:
        return [], [-g for g in state.grads]
    kept = torch.exp(-dt / settings.momentum_time)
    lost = -torch.expm1(-dt / settings.momentum_time)
    pairs = zip(state.velocity, state.grads, strict=True)
    velocity = [_per_member(kept, v) * v - _per_member(lost, g) * g for v, g in pairs]
    return velocity, velocity


def _changes(
    state: FlowState, problem: Evaluable, outputs: Tensor, grads: Params, square_norms: Tensor
) -> tuple[Tensor, Tensor]:
    difference = [new - old for new, old in zip(grads, state.grads, strict=True)]
    dgrad = problem.function.inner(difference, difference) / (state.square_norms * square_norms).sqrt()
    dout = (outputs - state.outputs).abs().flatten(1).amax(1) * problem.alpha
    return dgrad, dout


def _refused(state: FlowState, dt: Tensor, dgrad: Tensor) -> FlowState:
    return replace(
        state,
        dt=dt / SHRINKAGE,
        attempts=state.attempts + 1,
        refused=state.refused + 1,
        refused_dgrad=dgrad.to(torch.float64),
        refused_dt=dt,
        refused_until=state.time + dt,
    )


def _told(state: FlowState) -> FlowState:
    """Mark the members that cannot go on."""
    finite = torch.isfinite(state.outputs).flatten(1).all(1) & torch.isfinite(state.square_norms)
    state = state.with_status(Status.diverged, ~finite)
    state = state.with_status(Status.converged, state.square_norms == 0)
    return state.with_status(Status.stuck, state.refused >= MOST_REFUSED)


def _per_member(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like.dtype).view(-1, *[1] * (like.ndim - 1))
