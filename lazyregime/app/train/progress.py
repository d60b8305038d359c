"""What a person sees while a network trains: a live bar on a terminal, a plain line an epoch anywhere else."""

import contextlib
import math
import time
from collections.abc import Mapping
from typing import Any, final

from typing_extensions import override

from lazyregime.app.console import Console, Update, duration
from lazyregime.lightning import pl

_LOOK_SECONDS = 0.2  # between looks at the metrics, on a terminal
_LINE_SECONDS = 15.0  # within a long epoch, elsewhere


@final
class TrainingProgress(pl.Callback):
    """Epoch, step rate, training loss, test accuracy and the time left; list it after the callbacks that measure.

    A step costs a comparison of times: well under 20 microseconds.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._open = contextlib.ExitStack()
        self._update: Update | None = None
        self._patience = _LOOK_SECONDS if console.bars else _LINE_SECONDS
        self._total: int | None = None
        self._first_step = self._step = self._batches_in_epoch = 0
        self._start = self._epoch_start = self._next_look = 0.0
        self._metrics = ""

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._total = _total_steps(trainer)
        self._first_step = self._step = trainer.global_step
        self._metrics = ""
        self._start = self._epoch_start = time.monotonic()
        self._next_look = self._start + self._patience
        if self.console.bars:
            self._update = self._open.enter_context(self.console.progress("Training", self._total))

    @override
    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._epoch_start = time.monotonic()

    @override
    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._step += 1
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + self._patience
        if self._update is not None:
            rate = (self._step - self._first_step) / (now - self._start)
            parts = (_epoch(trainer, trainer.current_epoch), f"{rate:.0f} steps/s", self._metrics)
            self._update(self._step, ", ".join(part for part in parts if part))
        else:
            batches = trainer.num_training_batches
            share = f", {(batch_idx + 1) / batches:.0%}" if math.isfinite(batches) and batches else ""
            self._line(trainer, f"{_epoch(trainer, trainer.current_epoch)}{share}", now - self._epoch_start)

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._metrics = _shown(trainer.callback_metrics)
        now = time.monotonic()
        if self._update is None:
            epoch = _epoch(trainer, trainer.current_epoch)
            text = f"{epoch}: {self._metrics}" if self._metrics else epoch
            self._line(trainer, text, now - self._epoch_start)
            self._next_look = now + self._patience

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._update is not None:
            self._open.close()
            self._update = None
            took = duration(time.monotonic() - self._start)
            self.console.say(f"Trained {self._step - self._first_step:,} steps in {took}: {self._metrics}".rstrip(": "))

    @override
    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._open.close()
        self._update = None

    def _line(self, trainer: pl.Trainer, text: str, seconds: float) -> None:
        if not self.console.shows_progress:
            return
        done, left = self._step - self._first_step, ""
        if self._total is not None and done and self._step < self._total:
            estimate = (time.monotonic() - self._start) / done * (self._total - self._step)
            left = f", about {duration(estimate)} left"
        self.console.say(f"{text}, {duration(seconds)}{left}")


def _shown(metrics: Mapping[str, Any]) -> str:
    """The training loss and the test accuracy; the test loss where targets are no classes and the accuracy is NaN."""
    values = {key: float(metrics[key]) for key in ("train_loss", "test_accuracy", "test_loss") if key in metrics}
    values.pop("test_accuracy" if math.isnan(values.get("test_accuracy", math.nan)) else "test_loss", None)
    return ", ".join(f"{key.replace('_', ' ')} {value:.4f}" for key, value in values.items())


def _epoch(trainer: pl.Trainer, index: int) -> str:
    total = trainer.max_epochs
    return f"epoch {index + 1}/{total}" if total is not None and total > 0 else f"epoch {index + 1}"


def _total_steps(trainer: pl.Trainer) -> int | None:
    """How many batches there will be at most; None if nobody knows."""
    batches, epochs, steps = trainer.num_training_batches, trainer.max_epochs, trainer.max_steps
    bounds = [steps] if steps is not None and steps > 0 else []
    if epochs is not None and epochs > 0 and math.isfinite(batches):
        bounds.append(int(batches) * epochs)
    return min(bounds) if bounds else None
