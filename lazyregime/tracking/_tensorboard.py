"""TensorBoard's event files in the run folder: ``tensorboard --logdir runs/GROUP`` shows a sweep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

from lazyregime.errors import LazyRegimeError
from lazyregime.runs.folder import RunFolder
from lazyregime.tracking._backend import Picture
from lazyregime.tracking.names import flat

_COMPARED = ("test", "validation", "kernel")


@final
class TensorBoardBackend:
    """A recording for TensorBoard.

    Raises:
        LazyRegimeError: If TensorBoard is not installed.
    """

    name = "tensorboard"

    def __init__(self, config: Mapping[str, Any], folder: RunFolder) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise LazyRegimeError(
                "tracking=tensorboard needs the package tensorboard, which is not installed; give "
                "`pip install 'lazyregime[tensorboard]'`, or tracking=wandb or tracking=csv."
            ) from error
        self.writer_class, self.folder, self.writer = SummaryWriter, folder.path / "tensorboard", None
        self.settings = {key: value if isinstance(value, bool | int | float | str) else str(value)
                         for key, value in flat(config).items()}  # fmt: skip
        self.curves: set[str] = set()
        self.steps: dict[int, int] = {}  # by the number of a row

    def open(self) -> str | None:
        """Begin an event file."""
        self.writer: Any = self.writer_class(log_dir=str(self.folder), purge_step=0)  # earlier parts: all comes again
        return f"tensorboard: `tensorboard --logdir {self.folder.parent.parent}` shows this run and its group"

    def log_row(self, row: Mapping[str, Any], number: int) -> None:
        """A point on each curve."""
        for name, value in row.items():
            self.curves.add(name)
            self.writer.add_scalar(name, value, self._step(row, number))

    def _step(self, row: Mapping[str, Any], number: int) -> int:
        """The row's own; what comes later of the same row stands there too."""
        self.steps[number] = row.get("step", self.steps.get(number, number))
        return self.steps[number]

    def log_image(self, name: str, picture: Picture) -> None:
        """A figure."""
        import numpy as np
        from PIL import Image

        if isinstance(picture, Path):
            with Image.open(picture) as image:
                picture = np.asarray(image.convert("RGB"))
        self.writer.add_image(name, picture, dataformats="HWC")

    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table, as Markdown."""
        lines = [columns, ["---"] * len(columns), *rows]
        self.writer.add_text(name, "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))

    def summary(self, values: Mapping[str, object]) -> None:
        """The run's scalars, as a table; and its settings beside its last values, which the page HPARAMS compares."""
        from torch.utils.tensorboard.summary import hparams

        self.log_table("result", ["quantity", "value"], list(values.items()))
        told = {name: values[name] for name in sorted(self.curves & set(values)) if name.partition("/")[0] in _COMPARED}
        for part in hparams(self.settings, told):
            self.writer.file_writer.add_summary(part)

    def log_file(self, name: str, kind: str, path: Path) -> None:
        """It keeps no files; the run folder does."""

    def finish(self, exit_code: int) -> None:
        """Close the event file."""
        if self.writer is not None:
            self.writer.close()

    def abandon(self) -> None:
        """Nothing is left over."""
