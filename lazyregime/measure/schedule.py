"""When a probe looks between the two ends: after epochs and steps, evenly in log time, below fractions of the loss."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, final


@final
class Schedule:
    """What is due at a moment of a training, each once; the tags of what is due name it in kernels.safetensors.

    Args:
        epochs: After these epochs.
        steps: At the first chance at or after these steps.
        per_decade: N: at the first chance at or after each time 10^(k/N). The time of a gradient flow is its own; of
            other trainings the number of steps.
        loss_fractions: When the loss first is below these fractions of the first one.
    """

    def __init__(
        self,
        *,
        epochs: Iterable[int] = (),
        steps: Iterable[int] = (),
        per_decade: int | None = None,
        loss_fractions: Iterable[float] = (),
    ) -> None:
        self.epochs, self.steps = set(epochs), sorted(set(steps))
        self.per_decade, self.fractions = per_decade, sorted(set(loss_fractions), reverse=True)
        self.first_loss: float | None = None
        self._decade: int | None = None  # the latest k

    def after_epoch(self, epoch: int) -> Iterator[str]:
        """What is due when this epoch has ended."""
        if epoch in self.epochs:
            yield f"epoch_{epoch}"

    def after_step(self, step: int, time: float | None = None) -> Iterator[str]:
        """What is due after so many steps, and at this time where the steps are not the time."""
        while self.steps and step >= self.steps[0]:
            yield f"step_{self.steps.pop(0)}"
        now = step if time is None else time
        if self.per_decade is not None and now > 0:
            k = math.floor(self.per_decade * math.log10(now) + 1e-9)
            if self._decade is None or k > self._decade:
                self._decade = k
                yield f"time_{now:.4g}"

    def below(self, loss: float) -> Iterator[str]:
        """What is due at this loss; the first one that is told is that of w0."""
        self.first_loss = loss if self.first_loss is None else self.first_loss
        while self.fractions and loss < self.fractions[0] * self.first_loss:
            yield f"loss_{self.fractions.pop(0):g}"

    def state_dict(self) -> dict[str, Any]:
        """What is still to come."""
        return {"steps": self.steps, "fractions": self.fractions, "first_loss": self.first_loss, "k": self._decade}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.steps, self.fractions = list(state["steps"]), list(state["fractions"])
        self.first_loss, self._decade = state["first_loss"], state["k"]
