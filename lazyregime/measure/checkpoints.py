"""last.ckpt after each epoch and on a notice to leave, replaced in one step: a run resumes where it was."""

import contextlib
from typing import Any, final

import torch
import torch.distributed as dist
from typing_extensions import override

from lazyregime.data import Batches
from lazyregime.lightning import Checkpoint, pl
from lazyregime.notice import NOTICE, Notice
from lazyregime.runs.checkpoints import Checkpoints


@final
class LastCheckpoint(Checkpoint):
    """Everything of a run: at the end of an epoch, or of a batch when told to leave; and then it leaves.

    The state of the random numbers is part of it, that of each process its own. Lightning runs a `Checkpoint` behind
    all other callbacks. (ModelCheckpoint writes by way of the temporary folder, which may be another file system,
    where a move is no single step.)

    Args:
        checkpoints: Where they are kept.
        notice: Where a notice to leave arrives.
    """

    def __init__(self, checkpoints: Checkpoints, notice: Notice = NOTICE) -> None:
        self.checkpoints, self.notice = checkpoints, notice
        self._deferral = contextlib.ExitStack()
        self._random: list[dict[str, Any]] | None = None
        self._position: dict[str, int] | None = None

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._deferral.enter_context(self.notice.deferred())  # Lightning has put its own handlers in place by now
        if self._position is not None:
            _batches(trainer).load_state_dict(self._position)
        if self._random is not None and len(self._random) == trainer.world_size:
            _restore(self._random[trainer.global_rank])

    @override
    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        # After an epoch's last batch its row is still to be written: `on_train_epoch_end` follows at once.
        if self._told(trainer, pl_module) and not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._save(trainer)
            self.notice.leave()

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._save(trainer)
        if self._told(trainer, pl_module):
            self.notice.leave()

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._deferral.close()

    def _told(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> bool:
        """Whether any process of the run has been told: all must save the same step."""
        if trainer.world_size == 1:
            return self.notice.signum != 0
        told = torch.tensor(self.notice.signum, device=pl_module.device)
        dist.all_reduce(told, op=dist.ReduceOp.MAX)
        if told:  # if not, the notice is left alone: one that came during the reduction is for the next batch
            self.notice.signum = int(told)
        return bool(told)

    def _save(self, trainer: pl.Trainer) -> None:
        if trainer.is_global_zero:  # all processes together make it; the first one writes
            self.checkpoints.save(trainer.save_checkpoint)
        else:
            trainer.save_checkpoint(self.checkpoints.last)
        trainer.strategy.barrier()

    # Lightning keeps the position too, but does not restore it where a schedule has asked for the number of steps.
    @override
    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["batches"] = _batches(trainer).state_dict()
        checkpoint["run"] = self.checkpoints.run

    @override
    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._position = checkpoint.get("batches")

    @override
    def state_dict(self) -> dict[str, Any]:
        mine = _random_state()
        if not dist.is_initialized():
            return {"random": [mine]}
        everybodys: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(everybodys, mine)
        return {"random": everybodys}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._random = state_dict["random"]


def _batches(trainer: pl.Trainer) -> Batches:
    batches = trainer.train_dataloader
    assert isinstance(batches, Batches)
    return batches


def _random_state() -> dict[str, Any]:
    """Of torch's generators; nothing here draws from those of Python or NumPy."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def _restore(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["cpu"].cpu())
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([each.cpu() for each in state["cuda"]])
