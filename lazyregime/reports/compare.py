"""Two groups of runs side by side: row by row what each reached, and the difference with its standard error."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lazyregime.errors import LazyRegimeError
from lazyregime.reports.build import Report, write_document
from lazyregime.reports.figures import comparison as figure
from lazyregime.reports.load import load_runs
from lazyregime.reports.pages.document import Document
from lazyregime.reports.pages.table import Cell, Line, Span, Table, arrow, columns, left_out
from lazyregime.reports.section import Drawing, save_figures
from lazyregime.reports.tables.averages import with_keys
from lazyregime.reports.tables.comparison import KINDS, Kind, Write, compared
from lazyregime.reports.tables.usual import Told

NOTES = [
    "Means ± standard errors over seeds; B - A with that of the difference of two independent means. Rows are matched "
    "by what is unusual within their own group, so that what the groups differ by (above) is what is compared."
]


def compare(paths: Sequence[Path], out: Path | None = None) -> Report:
    """Read the runs of two folders and write what became of the rows that both have, and of those that one has.

    Args:
        paths: Two groups of runs, A and B.
        out: Where to write (default: `comparison/` under the first).

    Raises:
        LazyRegimeError: If there are not two paths, one holds no run, or both are the same.
    """
    if len(paths) != 2:
        raise LazyRegimeError(f"--compare takes two groups of runs; {len(paths)} were given.")
    first, second = paths
    if first.resolve() == second.resolve():
        raise LazyRegimeError(f"--compare was given {first} twice: name two groups of runs.")
    both = [with_keys(load_runs(path)) for path in (first, second)]
    out = first / "comparison" if out is None else out
    found = [(kind, compared(kind, *both)) for kind in KINDS]
    found = [(kind, told) for kind, told in found if len(told.table)]
    if not found:
        raise LazyRegimeError(f"Neither {first} nor {second} holds a complete run: there is nothing to compare yet.")
    titled = {kind.title: told.table for kind, told in found}
    drawing = Drawing(lambda _: figure.draw(titled), pd.DataFrame(), figure.CAPTION)
    pictures, troubles = save_figures(out / "figures", {"comparison": drawing})
    tables = [*(_words(kind, told) for kind, told in found), *left_out(troubles)]
    lead = f"A is {first} ({len(both[0])} runs), B is {second} ({len(both[1])} runs)."
    document = Document(f"lazyregime: {first.resolve().name} against {second.resolve().name}", lead, tables, pictures)
    data = {f"comparison_{kind.title.replace(' ', '_').lower()}": told.table for kind, told in found}
    files = write_document(document, out, data)
    return Report(pd.concat(both, ignore_index=True), tables, files, [])


def _words(kind: Kind, told: Told) -> Table:
    """The first measure that there is in full, and the next as A → B."""
    rows = told.table
    there = [m for m in kind.measures if rows[[f"{m[0]}_A", f"{m[0]}_B"]].notna().any(axis=None)] or kind.measures
    (measure, title, write), *others = there
    lines: list[Line] = []
    for row in rows.to_dict("records"):
        known = [key for key in kind.by if row[key] is not None and row[key] == row[key]]
        cells = [Cell(", ".join(_told(key, row[key]) for key in known))]
        cells += [Cell(write(row[f"{measure}_{one}"], row[f"{measure}_{one}_error"])) for one in ("A", "B")]
        cells.append(_difference(row[f"{measure}_difference"], row[f"{measure}_difference_error"], write))
        cells += [
            Cell(arrow(*(wr(row[f"{name}_{one}"], math.nan) for one in ("A", "B")))) for name, _, wr in others[-1:]
        ]
        lines.append([*cells, Cell(f"{row['seeds_A']}, {row['seeds_B']}")])
        if row["settings"]:
            lines.append(Span(f"({row['settings']})", heading=False))
    headings = [f"{title}, A", "B", "B - A", *(f"{heading}, A → B" for _, heading, _ in others[-1:]), "seeds"]
    return Table(f"{kind.title}: A against B", columns(left="row", right="|".join(headings)), lines, NOTES, told.unless)


def _told(key: str, value: object) -> str:
    return f"{'α' if key == 'alpha' else key.replace('_', ' ')} {value:.4g}" if isinstance(value, float) else str(value)


def _difference(value: float, error: float, write: Write) -> Cell:
    """Marked where it is more than two standard errors."""
    if value != value:
        return Cell("-")
    text = write(value, error)
    return Cell(text if text.startswith("-") else f"+{text}", "warn" if abs(value) > 2 * error else "plain")
