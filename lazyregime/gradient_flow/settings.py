"""When a step is accepted, how the step size adapts, and when a flow ends [GSJW20; science 5.2]."""

from dataclasses import dataclass
from enum import IntEnum

from lazyregime.errors import LazyRegimeError


class Status(IntEnum):
    """What has become of a flow."""

    running = 0
    fitted = 1  # every training point is beyond the margin
    converged = 2  # the loss is below its bound, or the gradient is zero
    max_time = 3
    max_steps = 4
    max_seconds = 5
    diverged = 6  # loss or gradient not finite where it stands
    stuck = 7  # no step, however small, is accepted, or none moves the weights any more

    @property
    def words(self) -> str:
        """For people."""
        return {
            "running": "running",
            "fitted": "every training point is beyond the margin",
            "converged": "the loss is below its bound or the gradient vanished",
            "max_time": "the flow time is up",
            "max_steps": "the number of steps is reached",
            "max_seconds": "the wall-clock time is up",
            "diverged": "diverged: outputs or gradient are not finite",
            "stuck": "stuck: no step is accepted, or rounding leaves nothing of it",
        }[self.name]


@dataclass(frozen=True)
class FlowSettings:
    """The choices of a flow.

    Attributes:
        max_dgrad: A step is accepted if ||g - g'||^2 / (||g|| ||g'||) is less.
        max_dout: And if the outputs F = alpha h move by less, at every training point.
        initial_step: The first dt that is tried.
        momentum_time: tau of the continuous momentum dv/dt = -(v + g)/tau; 0 is plain gradient flow.
        weight_decay: mu: dw/dt has -mu w besides, whatever the multipliers; None is none.
        margin: End when every training point is beyond it; None never.
        min_loss: End when the training loss is below it; None never.
        max_time: End at this flow time, exactly; None never.
        max_steps: End after so many accepted steps; None never.
        max_seconds: End after so much wall-clock time; None never.

    Raises:
        LazyRegimeError: If a number is out of range.
    """

    max_dgrad: float = 1e-4
    max_dout: float = 0.1
    initial_step: float = 1.0
    momentum_time: float = 0.0
    weight_decay: float | None = None
    margin: float | None = 1.0
    min_loss: float | None = None
    max_time: float | None = None
    max_steps: int | None = None
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        for name in (
            "max_dgrad",
            "max_dout",
            "initial_step",
            "max_time",
            "max_steps",
            "max_seconds",
            "min_loss",
            "weight_decay",
        ):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise LazyRegimeError(f"optimizer.{name}={value} is not possible; it must be positive and finite.")
        if not 0 <= self.momentum_time < float("inf"):
            raise LazyRegimeError(
                f"optimizer.momentum_time={self.momentum_time} is not possible; it must be at least 0 (0: no momentum)."
            )
        ends = (self.margin, self.min_loss, self.max_time, self.max_steps, self.max_seconds)
        if all(end is None for end in ends):
            raise LazyRegimeError(
                "The flow would never end: set one of optimizer.margin, min_loss, max_time, max_steps, max_seconds."
            )
