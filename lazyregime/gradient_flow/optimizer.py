"""Gradient flow as an ordinary `torch.optim.Optimizer`: a step is one accepted step, for which the closure is called.

optimizer = GradientFlow(network.parameters(), outputs=lambda: latest, alpha=alpha)
loss = optimizer.step(closure)      # closure: zero_grad, forward, loss over alpha^2, backward, return the loss
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from lazyregime.errors import LazyRegimeError
from lazyregime.gradient_flow.problem import decayed
from lazyregime.gradient_flow.settings import FlowSettings, Status
from lazyregime.gradient_flow.state import FlowState, Params
from lazyregime.gradient_flow.step import attempt, begin

REFUSED = ("refused_dgrad", "refused_dt", "refused_until")  # of a state: the latest refused step


@final
class GradientFlow(torch.optim.Optimizer):
    """Adaptive, accepted or refused steps along -lr grad [GSJW20; science 5.2]; the closure must use the whole batch.

    Args:
        params: Parameters or groups; the `lr` of a group is its learning-rate multiplier, not the step size.
        settings: Bounds of a step, and momentum. What ends a flow is the caller's affair.
        outputs: Gives the outputs F of the closure's latest forward pass, so that their change is bounded too;
            without it only the change of the gradient is.
        lr: The multiplier of groups that have none.

    Attributes:
        status: `Status.stuck` or `Status.diverged` where the flow cannot go on; a step then does nothing.
    """

    def __init__(
        self,
        params: Iterable[Any],
        *,
        settings: FlowSettings | None = None,
        outputs: Callable[[], Tensor] | None = None,
        lr: float = 1.0,
    ) -> None:
        super().__init__(params, {"lr": lr})
        self.settings, self.outputs = settings or FlowSettings(), outputs
        self._flow: FlowState | None = None
        self._loss: Any = None
        first = self.param_groups[0]
        first.setdefault("flow_time", 0.0)
        first.setdefault("flow_dt", self.settings.initial_step)
        first.setdefault("flow_steps", 0)
        first.setdefault("flow_refused", (float("inf"), 0.0, 0.0))

    @property
    def time(self) -> float:
        """Flow time reached."""
        return float(self.param_groups[0]["flow_time"])

    @property
    def status(self) -> Status:
        """Whether the flow can go on."""
        return Status.running if self._flow is None else Status(int(self._flow.status))

    @override
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one accepted step and return the loss there.

        Raises:
            LazyRegimeError: Without a closure.
        """
        if closure is None:
            raise LazyRegimeError("A gradient flow evaluates the loss itself: call optimizer.step(closure).")
        problem = _Closure(self, closure)
        state = self._resumed(problem) if self._flow is None else self._flow
        steps, loss = int(state.steps), self._loss
        while int(state.status) == Status.running and int(state.steps) == steps:
            state = attempt(state, problem, self.settings)
            loss = problem.loss
        for parameter, value in zip(self._parameters(), state.params, strict=True):
            parameter.data.copy_(value[0])
        self._flow, self._loss = state, loss
        self._remember(state)
        return loss

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on exactly: the gradient is evaluated anew at the restored weights."""
        super().load_state_dict(state_dict)
        self._flow = None

    def _resumed(self, problem: "_Closure") -> FlowState:
        state = begin(problem, [p.data.clone()[None] for p in self._parameters()], self.settings)
        self._loss = problem.loss
        first, values = self.param_groups[0], state.state_dict()
        values["time"] = torch.full_like(state.time, first["flow_time"])
        values["dt"] = torch.full_like(state.dt, first["flow_dt"])
        values["steps"] = torch.full_like(state.steps, first["flow_steps"])
        values |= {name: torch.full_like(state.dt, v) for name, v in zip(REFUSED, first["flow_refused"], strict=True)}
        kept = [self.state[p].get("velocity") for p in self._parameters()]
        if self.settings.momentum_time and kept[0] is not None:
            values["velocity"] = [v[None].clone() for v in kept]
        return FlowState(**values)

    def _remember(self, state: FlowState) -> None:
        first = self.param_groups[0]
        first["flow_time"], first["flow_dt"] = float(state.time), float(state.dt)
        first["flow_steps"] = int(state.steps)
        first["flow_refused"] = tuple(float(state.state_dict()[name]) for name in REFUSED)
        for parameter, velocity in zip(self._parameters(), state.velocity, strict=False):
            self.state[parameter]["velocity"] = velocity[0]

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _rates(self) -> list[float]:
        return [float(group["lr"]) for group in self.param_groups for _ in group["params"]]


@dataclass
class _Closure:
    """A closure as the problem of an ensemble of one, with its own metric."""

    optimizer: GradientFlow
    closure: Callable[[], Any]
    loss: Any = None

    @property
    def function(self) -> "_Closure":
        return self

    @property
    def alpha(self) -> Float[Tensor, "1"]:
        return torch.ones(1, dtype=torch.float64)  # the outputs are F, alpha included

    def evaluate(self, params: Params) -> tuple[Float[Tensor, "1 n k"], Params]:
        targets = self.optimizer._parameters()
        for parameter, value in zip(targets, params, strict=True):
            parameter.data.copy_(value[0])
        with torch.enable_grad():
            self.loss = self.closure()
        grads = [torch.zeros_like(p)[None] if p.grad is None else p.grad.detach().clone()[None] for p in targets]
        grads = decayed(grads, params, self.optimizer._rates(), self.optimizer.settings.weight_decay)
        if self.optimizer.outputs is None:
            return torch.zeros(1, 1, 1, dtype=params[0].dtype), grads
        outputs = self.optimizer.outputs().detach()
        return outputs.reshape(1, len(outputs), -1).clone(), grads

    def inner(self, a: Params, b: Params) -> Float[Tensor, "1"]:
        return torch.stack(
            [rate * (x * y).sum() for rate, x, y in zip(self.optimizer._rates(), a, b, strict=True)]
        ).sum(0, keepdim=True)

    def displacement(self, direction: Params) -> Params:
        return [rate * d for rate, d in zip(self.optimizer._rates(), direction, strict=True)]
