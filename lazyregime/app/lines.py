"""A table as lines of text, whole: rich, which folds cells to a terminal's width, takes half a millisecond a row."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from rich.cells import cell_len

_GAP = "   "


def lines_of(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """The head, a rule and the rows, a cell of several lines below itself; `right` columns are flush right."""
    broken = [list(zip_longest(*(cell.splitlines() or [""] for cell in row), fillvalue="")) for row in rows]
    flat = [line for row in broken for line in row]
    widths = [max(map(cell_len, column)) for column in zip(head, *flat, strict=True)]
    rule = "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    return [_line(head, widths, right), rule, *(_line(cells, widths, right) for cells in flat)]


def _line(cells: Iterable[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    placed = [
        " " * (width - cell_len(cell)) + cell if is_right else cell + " " * (width - cell_len(cell))
        for cell, width, is_right in zip(cells, widths, right, strict=True)
    ]
    return _GAP.join(placed).rstrip()
