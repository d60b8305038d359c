"""A training has diverged once a step's loss exceeds `above` times that of the first: it ends there, as a result."""

from typing import Any, final

import torch
from typing_extensions import override

from lazyregime.lightning import pl
from lazyregime.measure.blocks import mean_over_processes
from lazyregime.regimes import AbstractRegime


@final
class Divergence(pl.Callback):
    """Ends a training whose loss has risen too far, before the step that would take it further.

    So its weights are those of that loss; a catapult, whose loss rises and then falls, is let be below
    the bound. Each step waits for the loss.

    Args:
        above: Times the loss of the first step; more than 1.
    """

    def __init__(self, above: float) -> None:
        self.above = above
        self.first: float | None = None
        self.step: int | None = None  # steps that were taken before

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.should_stop = trainer.should_stop or self.step is not None

    @override
    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        assert isinstance(pl_module, AbstractRegime) and pl_module.latest_loss is not None
        loss = float(mean_over_processes(pl_module.latest_loss))
        self.first = loss if self.first is None else self.first
        if loss <= self.above * self.first:
            return
        self.step = trainer.global_step
        trainer.should_stop = True
        for parameter in pl_module.parameters():  # a step without gradients leaves the weights
            parameter.grad = None

    def told(self) -> tuple[str, ...]:
        """That it diverged, in a sentence; nothing where it did not."""
        if self.step is None:
            return ()
        return (
            f"The training loss was above {self.above:g} times the first one after {self.step} steps, where training "
            "ended (trainer.diverged_above): it diverged, and its kernel was not measured.",
        )

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"first": self.first, "step": self.step}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.first, self.step = state_dict["first"], state_dict["step"]
