"""Flows of an ensemble from start to end: each member stops on its own, and is observed at log-spaced times."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from lazyregime.gradient_flow.problem import FlowProblem
from lazyregime.gradient_flow.settings import FlowSettings, Status
from lazyregime.gradient_flow.state import FlowState, Params
from lazyregime.gradient_flow.step import attempt, begin

ROUNDING = 1e-12  # of a flow time


@final
@dataclass(frozen=True, eq=False)
class Snapshot:
    """One member at one moment.

    Attributes:
        member: Its number in the ensemble.
        params: Its weights, without the leading dimension.
        outputs: H on its training points, without alpha.
        time: Flow time.
        dt: The step to be tried next.
        steps: Accepted.
        attempts: Tried.
        status: What has become of it.
    """

    member: int
    params: Params
    outputs: Float[Tensor, "n k"]
    time: float
    dt: float
    steps: int
    attempts: int
    status: Status


Observe = Callable[[Snapshot], None]


class Flow:
    """E flows that are stepped together and end on their own.

    Args:
        problem: Of all members.
        params: Where they start, (E, ...) each.
        settings: Common to all.
        per_decade: Observations a decade of flow time; the start, the first step and the end are always observed.
        resumed: A `state_dict` of `save`, to go on from instead of starting.
    """

    def __init__(
        self,
        problem: FlowProblem,
        params: Params,
        settings: FlowSettings,
        *,
        per_decade: int = 5,
        resumed: dict[str, Any] | None = None,
    ) -> None:
        self.settings, self.per_decade = settings, per_decade
        self._all, self._problem = problem, problem
        self.seconds, self._since = 0.0, time.perf_counter()
        members = len(params[0])
        self.members = torch.arange(members)  # the running ones
        self.state = begin(problem, params, settings) if resumed is None else FlowState(**resumed["state"])
        self.marks = torch.zeros(members, dtype=torch.float64)  # flow times of the next observations
        self._fresh = resumed is None
        if resumed is not None:
            self.marks, self.seconds = resumed["marks"], float(resumed["seconds"])

    def run(self, observe: Observe, *, pause_after: float | None = None) -> bool:
        """Go on until all have ended (True), or for about `pause_after` seconds and at least one attempt."""
        began = self._since = time.perf_counter()
        if self._fresh:
            self._fresh = False
            self._stop_and_look(observe, torch.ones(len(self.members), dtype=torch.bool))
        while len(self.members):
            steps = self.state.steps
            self.state = attempt(self.state, self._problem, self.settings)
            self._stop_and_look(observe, (self.state.steps > steps).cpu() & (self.state.time.cpu() >= self.marks))
            if pause_after is not None and time.perf_counter() - began > pause_after:
                break  # after a step, so that every call gets on
        self._tick()
        return not len(self.members)

    def save(self) -> dict[str, Any]:
        """Everything that the rest of the running members' flows depends on."""
        self._tick()
        return {"state": self.state.state_dict(), "marks": self.marks, "seconds": self.seconds}

    def _tick(self) -> None:
        now = time.perf_counter()
        self.seconds, self._since = self.seconds + now - self._since, now

    def _stop_and_look(self, observe: Observe, due: Tensor) -> None:
        self.state = self._stopped(self.state)
        ended = (self.state.status != Status.running).cpu()
        for row in torch.where(due | ended)[0].tolist():
            observe(self._snapshot(row))
            self.marks[row] = self._next_mark(float(self.state.time[row]))
        if bool(ended.any()):
            kept = torch.where(~ended)[0]
            self.members, self.marks = self.members[kept], self.marks[kept]
            if len(kept):
                kept = kept.to(self.state.time.device)
                self.state, self._problem = self.state.select(kept), self._problem.select(kept)

    def _stopped(self, state: FlowState) -> FlowState:
        limits = self.settings
        if limits.margin is not None:
            beyond = self._problem.least_margins(state.outputs) > limits.margin
            state = state.with_status(Status.fitted, beyond)
        if limits.min_loss is not None:
            state = state.with_status(Status.converged, self._problem.losses(state.outputs) < limits.min_loss)
        if limits.max_time is not None:
            state = state.with_status(Status.max_time, state.time >= limits.max_time * (1 - ROUNDING))
        if limits.max_steps is not None:
            state = state.with_status(Status.max_steps, state.steps >= limits.max_steps)
        if limits.max_seconds is not None and self.seconds + time.perf_counter() - self._since > limits.max_seconds:
            state = state.with_status(Status.max_seconds, torch.ones_like(state.status, dtype=torch.bool))
        return state

    def _snapshot(self, row: int) -> Snapshot:
        state = self.state
        return Snapshot(
            member=int(self.members[row]),
            params=[p[row] for p in state.params],
            outputs=state.outputs[row],
            time=float(state.time[row]),
            dt=float(state.dt[row]),
            steps=int(state.steps[row]),
            attempts=int(state.attempts[row]),
            status=Status(int(state.status[row])),
        )

    def _next_mark(self, now: float) -> float:
        if now <= 0:
            return 0.0
        logarithm = torch.tensor(now, dtype=torch.float64).log10() * self.per_decade
        return float(10 ** ((torch.floor(logarithm + 1e-9) + 1) / self.per_decade))

    def member_state(self, member: int) -> dict[str, Any] | None:
        """What `resumed` takes to go on with one running member alone; None if it has ended."""
        rows: Int64[Tensor, " m"] = torch.where(self.members == member)[0]
        if not len(rows):
            return None
        self._tick()
        own = self.state.select(rows.to(self.state.time.device))
        return {"state": own.state_dict(), "marks": self.marks[rows], "seconds": self.seconds}

    @staticmethod
    def joined(saved: list[dict[str, Any]]) -> dict[str, Any]:
        """The `resumed` of several members together."""
        return {
            "state": FlowState.stack([FlowState(**s["state"]) for s in saved]).state_dict(),
            "marks": torch.cat([s["marks"] for s in saved]),
            "seconds": max(float(s["seconds"]) for s in saved),
        }
