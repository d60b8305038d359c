"""metrics.csv: one row an epoch, replaced as a whole, so that it is never torn."""

import contextlib
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from lazyregime.atomic import atomic_write


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write the rows under the columns that any of them has, in the order in which they first appear."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, text.getvalue())


def read_rows(path: Path) -> list[dict[str, object]]:
    """The rows without their empty cells, whole numbers as such; none if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        return [{key: _cell(text) for key, text in row.items() if key and text} for row in csv.DictReader(file)]


def _cell(text: str) -> object:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
