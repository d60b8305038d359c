"""One row an epoch, and one for each look in between: what has been learned so far, written at once and kept.

The rows are the callback's state, so a resumed run has each row once, whenever it was killed.
"""

import time
from collections.abc import Callable
from typing import Any, final

from typing_extensions import override

from lazyregime.data import ClassificationData
from lazyregime.lightning import pl
from lazyregime.regimes import AbstractRegime, evaluate

Row = dict[str, float]


@final
class Recorder(pl.Callback):
    """Measures test and validation data after each epoch and hands all rows so far to `write`.

    Args:
        data: Where test and validation data come from; on the device of the network.
        write: Called with all rows, first to last, after each new one.
    """

    def __init__(self, data: ClassificationData, write: Callable[[list[Row]], None]) -> None:
        self.data, self.write = data, write
        self.rows: list[Row] = []
        self.extra: Row = {}  # what other callbacks measured in this epoch
        self.seconds = 0.0  # of training, over all processes that took part
        self._since = 0.0

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._since = time.perf_counter()
        if not self.rows:
            self._add(trainer, pl_module, {"epoch": 0, "step": 0, "seconds": 0.0})
        self.write(self.rows)

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, AbstractRegime)
        self.stop_clock()
        row = {"epoch": trainer.current_epoch + 1, "step": trainer.global_step, "seconds": round(self.seconds, 3)}
        self._add(trainer, pl_module, row | pl_module.epoch_means())
        self.write(self.rows)

    def add_look(self, trainer: pl.Trainer, part: float, found: Row) -> None:
        """A row within an epoch, after a part of it, of what a probe has found."""
        row = {"epoch": round(trainer.current_epoch + part, 4), "step": trainer.global_step}
        self.rows.append(row | {"seconds": round(self.seconds, 3)} | found)
        self.write(self.rows)

    def stop_clock(self) -> None:
        """Count the time since the last look as training."""
        now = time.perf_counter()
        self.seconds, self._since = self.seconds + now - self._since, now

    def restart_clock(self) -> None:
        """Do not count the time since the last look."""
        self._since = time.perf_counter()

    def _add(self, trainer: pl.Trainer, pl_module: pl.LightningModule, row: Row) -> None:
        assert isinstance(pl_module, AbstractRegime)
        row = row | prefixed("test", evaluate(pl_module, self.data.test_inputs, self.data.test_labels))
        if len(self.data.validation_labels):
            held_out = evaluate(pl_module, self.data.validation_inputs, self.data.validation_labels)
            row |= prefixed("validation", held_out)
        row["learning_rate"] = largest_rate(trainer)
        self.rows.append(row | self.extra)
        self.extra = {}
        if row["epoch"]:  # for whoever monitors; Lightning takes it from epoch hooks only
            logged = {k: float(v) for k, v in self.rows[-1].items() if k not in ("epoch", "step")}
            pl_module.log_dict(logged, on_epoch=True, on_step=False, logger=False)

    @override
    def state_dict(self) -> dict[str, Any]:
        self.stop_clock()
        return {"rows": self.rows, "extra": self.extra, "seconds": self.seconds}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows, self.seconds = list(state_dict["rows"]), state_dict["seconds"]
        self.extra = dict(state_dict.get("extra", {}))


def prefixed(prefix: str, values: Row) -> Row:
    """`test_loss` for `loss`."""
    return {f"{prefix}_{name}": value for name, value in values.items()}


def largest_rate(trainer: pl.Trainer) -> float:
    """The learning rate of the fastest parameters now."""
    return max(float(group["lr"]) for optimizer in trainer.optimizers for group in optimizer.param_groups)
