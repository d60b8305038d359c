"""What a tracking service must be able to do."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

Picture = Path | np.ndarray  # a file, or (height, width, 3) of uint8


@runtime_checkable
class Backend(Protocol):
    """A recording of one run. Every method may raise and may hang: `Tracking` sees to it that training goes on."""

    name: str

    def open(self) -> str | None:
        """Begin the recording; what the user should know of it, in a line. None if nothing is to be recorded."""
        ...

    def log_row(self, row: Mapping[str, object], number: int) -> None:
        """A row of metrics.csv and its number, from 0. A later part of an interrupted run begins with row 0 again.

        The last row may come again, with what has become known of it meanwhile and nothing else.
        """
        ...

    def log_image(self, name: str, picture: Picture) -> None:
        """A picture, after the last row."""
        ...

    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table, after the last row."""
        ...

    def log_file(self, name: str, kind: str, path: Path) -> None:
        """A file, where such a service keeps files."""
        ...

    def summary(self, values: Mapping[str, object]) -> None:
        """The last word on some quantities."""
        ...

    def finish(self, exit_code: int) -> None:
        """End the recording; 0 for success."""
        ...

    def abandon(self) -> None:
        """End what is left of a recording that could not be finished, by force."""
        ...
