"""TensorBoard's event files in the run folder: ``tensorboard --logdir runs/GROUP`` shows a sweep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

from lazyregime.errors import LazyRegimeError
from lazyregime.runs.folder import RunFolder


@final
class TensorBoardBackend:
    """A recording for TensorBoard.

    Raises:
        LazyRegimeError: If TensorBoard is not installed.
    """

    name = "tensorboard"

    def __init__(self, folder: RunFolder) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise LazyRegimeError(
                "tracking=tensorboard needs the package tensorboard, which is not installed; give "
                "`pip install 'lazyregime[tensorboard]'`, or tracking=wandb or tracking=csv."
            ) from error
        self.writer_class, self.folder, self.writer = SummaryWriter, folder.path / "tensorboard", None

    def open(self) -> str | None:
        """Begin an event file."""
        self.writer: Any = self.writer_class(log_dir=str(self.folder), purge_step=0)  # earlier parts: all comes again
        return f"tensorboard: `tensorboard --logdir {self.folder.parent.parent}` shows this run and its group"

    def log_row(self, row: Mapping[str, Any], number: int) -> None:
        """A point on each curve."""
        for name, value in row.items():
            self.writer.add_scalar(name, value, row.get("step", number))

    def log_image(self, name: str, path: Path) -> None:
        """A figure."""
        import numpy as np
        from PIL import Image

        with Image.open(path) as image:
            self.writer.add_image(name, np.asarray(image.convert("RGB")), dataformats="HWC")

    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table, as Markdown."""
        lines = [columns, ["---"] * len(columns), *rows]
        self.writer.add_text(name, "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))

    def summary(self, values: Mapping[str, object]) -> None:
        """The run's scalars, as a table."""
        self.log_table("result", ["quantity", "value"], list(values.items()))

    def finish(self, exit_code: int) -> None:
        """Close the event file."""
        if self.writer is not None:
            self.writer.close()

    def abandon(self) -> None:
        """Nothing is left over."""
