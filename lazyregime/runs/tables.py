"""metrics.csv: one row an epoch, replaced as a whole, so that it is never torn."""

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
