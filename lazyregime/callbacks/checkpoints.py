"""last.ckpt after each epoch, replaced in one step, so that a run killed at any moment resumes where it was."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import final

from typing_extensions import override

from lazyregime.lightning import Checkpoint, pl


@final
class LastCheckpoint(Checkpoint):
    """Everything of a run at the end of an epoch. Lightning runs a `Checkpoint` behind all other callbacks.

    (ModelCheckpoint writes by way of the temporary folder, which may be another file system, where a move is no
    single step.)
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        replace_file(self.path, trainer.save_checkpoint)


def replace_file(path: Path, save: Callable[[Path], object]) -> None:
    """Let `save` write beside `path`, and put that in its place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    save(temporary)
    os.replace(temporary, path)
