r"""d theta/dt = v(theta), by an adaptive Runge-Kutta pair or by Euler's steps, which on fresh data are SGD.

The adaptive pair is Dormand and Prince's 5(4) of torchdiffeq, which keeps the state a tensor (batches, GPUs). One
error norm serves the whole state, so seeds that are integrated together share their steps. Euler's step of size dt is
a step of gradient descent on R with learning rate dt N / (2 alpha^2).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import torch
from torch import Tensor
from torchdiffeq import odeint

from lazyregime.errors import LazyRegimeError

State = Tensor | tuple[Tensor, ...]
Velocity = Callable[[Any], Any]
Observer = Callable[[float, Any], None]


class AbstractIntegrator(ABC):
    """Carries a state through given times."""

    @abstractmethod
    def run(self, velocity: Velocity, state: State, times: Sequence[float], observe: Observer) -> State:
        """Call `observe(t, state)` at each time, the first included, and return the last state.

        Raises:
            LazyRegimeError: If the times do not increase or the flow does not stay finite.
        """


@final
@dataclass(frozen=True)
class DormandPrince(AbstractIntegrator):
    """Adaptive steps with the root mean square of the error below atol + rtol |state|.

    Only the state, its seven slopes and what is observed are in memory, however many steps there are.
    """

    rtol: float = 1e-7
    atol: float = 1e-9
    max_steps: int = 100_000

    def run(self, velocity: Velocity, state: State, times: Sequence[float], observe: Observer) -> State:  # noqa: D102
        _check_times(times)
        function, step = _Counted(velocity), None
        parts = state if isinstance(state, tuple) else (state,)
        observe(times[0], state)
        for start, end in pairwise(times):
            options = {"first_step": step, "step_t": [end], "max_num_steps": self.max_steps}
            span = torch.tensor([start, end], dtype=torch.float64, device=parts[0].device)
            function.largest = 0.0
            try:
                with torch.no_grad():
                    path = odeint(
                        function, state, span, rtol=self.rtol, atol=self.atol, method="dopri5", options=options
                    )
            except AssertionError as error:  # torchdiffeq's way of giving up
                raise LazyRegimeError(
                    f"The flow stopped between t={start:.6g} and t={end:.6g} ({str(error)[:60]}); "
                    "end earlier, or loosen the tolerance (rtol, atol)."
                ) from error
            state = tuple(part[-1] for part in path) if isinstance(path, tuple) else path[-1]
            _check_finite(state, end)
            step = function.largest or None  # the last one may have been cut short by `end`
            observe(end, state)
        return state


@final
@dataclass(frozen=True)
class Euler(AbstractIntegrator):
    """Equal steps of at most `step`; a velocity that draws fresh data at each call makes them SGD."""

    step: float = 0.01

    def run(self, velocity: Velocity, state: State, times: Sequence[float], observe: Observer) -> State:  # noqa: D102
        _check_times(times)
        if not 0 < self.step < math.inf:
            raise LazyRegimeError(f"step={self.step} is not possible; it must be positive and finite.")
        parts = tuple(part.clone() for part in state) if isinstance(state, tuple) else (state.clone(),)
        joined = isinstance(state, tuple)
        observe(times[0], state)
        for start, end in pairwise(times):
            num_steps = max(1, math.ceil((end - start) / self.step - 1e-9))
            for _ in range(num_steps):
                slopes = velocity(parts if joined else parts[0])
                for part, slope in zip(parts, slopes if joined else (slopes,), strict=True):
                    part.add_(slope, alpha=(end - start) / num_steps)
            _check_finite(parts, end)
            observe(end, parts if joined else parts[0])
        return parts if joined else parts[0]


def log_times(end: float, count: int, *, first: float = 0.01) -> list[float]:
    """0 and `count` times from `first` to `end`, equally far apart on a logarithmic axis.

    Raises:
        LazyRegimeError: Unless 0 < first < end and count >= 2.
    """
    if not 0 < first < end or count < 2:
        raise LazyRegimeError(f"first={first}, end={end}, count={count}: give 0 < first < end and count >= 2.")
    return [0.0, *(first * (end / first) ** (i / (count - 1)) for i in range(count - 1)), float(end)]


class _Counted:
    """The velocity as torchdiffeq calls it, and the largest step that was taken."""

    def __init__(self, velocity: Velocity) -> None:
        self.velocity, self.largest = velocity, 0.0

    def __call__(self, _: Tensor, state: State) -> State:
        return self.velocity(state)

    def callback_accept_step(self, t: Tensor, state: State, dt: Tensor) -> None:
        self.largest = max(self.largest, float(dt))


def _check_times(times: Sequence[float]) -> None:
    if len(times) < 2 or any(b <= a for a, b in pairwise(times)) or not math.isfinite(times[-1]):
        raise LazyRegimeError(f"The times {list(times)[:5]} are not possible; give at least two that increase.")


def _check_finite(state: State, t: float) -> None:
    if not all(bool(torch.isfinite(part).all()) for part in (state if isinstance(state, tuple) else (state,))):
        raise LazyRegimeError(f"The flow is not finite at t={t:.6g}; take a smaller step (integrator.step).")
