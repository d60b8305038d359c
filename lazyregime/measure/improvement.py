"""Best weights, patience and the halving of the learning rate: all that hangs on whether an epoch was an improvement.

The poster's schedule (science 6.1): the rate is halved after every epoch without a better test accuracy, and training
stops after five such epochs in a row.
"""

from typing import Any, final

import torch
from typing_extensions import override

from lazyregime.errors import LazyRegimeError
from lazyregime.lightning import pl
from lazyregime.runs.checkpoints import Checkpoints

MONITORS = ("test_accuracy", "validation_accuracy", "train_loss", "test_loss", "validation_loss")


@final
class Improvement(pl.Callback):
    """Watches one column of the epoch's row; it stands behind the Recorder and before the checkpoint.

    Args:
        monitor: The column; a loss is better when smaller, an accuracy when larger.
        best: Where to keep the best weights as best.ckpt; None to keep none.
        patience: Stop after so many epochs in a row without improvement; None never.
        halve: Halve the learning rate after each epoch without improvement.

    Raises:
        LazyRegimeError: If the monitor is not known or the patience not positive.
    """

    def __init__(self, monitor: str, *, best: Checkpoints | None, patience: int | None, halve: bool) -> None:
        if monitor not in MONITORS:
            raise LazyRegimeError(f"trainer.monitor={monitor} is not known; choose one of {', '.join(MONITORS)}.")
        if patience is not None and patience < 1:
            raise LazyRegimeError(f"trainer.patience={patience} is not possible; it must be at least 1, or null.")
        self.monitor, self.kept, self.patience, self.halve = monitor, best, patience, halve
        self.best: float | None = None
        self.best_epoch, self.waited = 0, 0

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # A run that was killed after its last epoch must not train another one.
        trainer.should_stop = trainer.should_stop or self._out_of_patience()

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        value = float(trainer.callback_metrics[self.monitor])
        sign = -1.0 if self.monitor.endswith("loss") else 1.0
        if self.best is None or sign * value > sign * self.best:
            self.best, self.best_epoch, self.waited = value, trainer.current_epoch + 1, 0
            if self.kept is not None and trainer.is_global_zero:
                self.kept.save_best(lambda temporary: torch.save(pl_module.state_dict(), temporary))
            return
        self.waited += 1
        if self.halve:
            for optimizer in trainer.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] *= 0.5
        trainer.should_stop = trainer.should_stop or self._out_of_patience()

    def restore_best(self, module: pl.LightningModule) -> None:
        """Give the module the best weights."""
        assert self.kept is not None
        module.load_state_dict(torch.load(self.kept.best, map_location=module.device, weights_only=True))

    def has_lost_the_best(self) -> bool:
        """Whether the file of the best weights, which each first epoch writes, is gone or damaged."""
        return self.kept is not None and self.kept.trouble_with(self.kept.best) is not None

    def _out_of_patience(self) -> bool:
        return self.patience is not None and self.waited >= self.patience

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.best_epoch, self.waited = (state_dict[key] for key in ("best", "best_epoch", "waited"))
