"""A table as aligned text, 80 to 100 columns wide: coloured in a terminal, plain in a pipe."""

import textwrap
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from lazyregime.reports.pages.table import Cell, Span, Table
from lazyregime.reports.reading.cleaning import clean_text

STYLES = {"plain": "", "good": "green", "warn": "bold yellow", "faint": "dim"}
LONGEST = 120  # lines of a table on the screen
NARROWEST = 16  # a column of words is wrapped down to this


def show(table: Table, console: Console) -> None:
    """Print the table; without a terminal, 100 columns wide and without colour. Of a long one, as much as one reads."""
    more = len(table.lines) - LONGEST
    if more > 0:
        note = f"{more} more lines are in the report."
        table = replace(table, lines=table.lines[:LONGEST], notes=[note, *table.notes])
    for line in layout(table, min(console.width, 110) if console.is_terminal else 100):
        console.print(line, soft_wrap=True)


def plain(table: Table, width: int = 100) -> str:
    """The table as plain text."""
    return "\n".join(line.plain for line in layout(table, width)) + "\n"


def layout(table: Table, width: int) -> list[Text]:
    """The lines of the table, styled. Headings and columns of words are wrapped to fit `width`."""
    table = _cleaned(table)
    widths, gap = _widths(table, width)
    rule = Text("-" * (sum(widths) + gap * (len(widths) - 1)), style="dim")
    lines = [Text(table.title, style="bold"), *_wrapped(table.lead, width, "dim"), Text()]
    lines += [*_row([Cell(heading, "faint") for heading, _ in table.columns], table, widths, gap, bottom=True), rule]
    for i, line in enumerate(table.lines):
        if not isinstance(line, Span):
            lines += _row(line, table, widths, gap)
        elif line.heading:
            lines += [*([Text()] if i else []), *_wrapped(line.text, width, "bold")]
        else:
            lines += _wrapped("    " + line.text, width, "dim")
    lines.append(rule)
    return lines + [text for note in table.notes for text in _wrapped(note, width, "dim")] + [Text()]


def _cleaned(table: Table) -> Table:
    """No escape sequence of a run's files reaches the terminal."""
    lines = [
        Span(clean_text(line.text), line.heading)
        if isinstance(line, Span)
        else [Cell(clean_text(cell.text), cell.tone) for cell in line]
        for line in table.lines
    ]
    notes, lead = [clean_text(note) for note in table.notes], clean_text(table.lead)
    return replace(table, title=clean_text(table.title), lines=lines, notes=notes, lead=lead)


def _widths(table: Table, width: int) -> tuple[list[int], int]:
    rows = [line for line in table.lines if not isinstance(line, Span)]
    widths = [
        max(len(text) for text in [*heading.split(), *(row[i].text for row in rows)])
        for i, (heading, _) in enumerate(table.columns)
    ]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= width else 1
    excess = sum(widths) + gap * (len(widths) - 1) - width
    for i in reversed(range(1, len(widths))):
        if excess > 0 and table.columns[i][1] == "left":
            taken = min(excess, max(0, widths[i] - NARROWEST))
            widths[i], excess = widths[i] - taken, excess - taken
    return widths, gap


def _row(cells: list[Cell], table: Table, widths: list[int], gap: int, bottom: bool = False) -> list[Text]:
    """One row, as many lines high as its tallest cell; headings stand on the rule."""
    wrapped = [textwrap.wrap(cell.text, max(1, w)) or [""] for cell, w in zip(cells, widths, strict=True)]
    height = max(map(len, wrapped))
    lines = []
    for level in range(height):
        line = Text()
        for i, (cell, texts) in enumerate(zip(cells, wrapped, strict=True)):
            at = level - (height - len(texts)) if bottom else level
            text = texts[at] if 0 <= at < len(texts) else ""
            padded = text.ljust(widths[i]) if table.columns[i][1] == "left" else text.rjust(widths[i])
            line.append(" " * gap * (i > 0) + padded, style=STYLES[cell.tone])
        line.rstrip()
        lines.append(line)
    return lines


def _wrapped(text: str, width: int, style: str) -> list[Text]:
    indent = " " * (len(text) - len(text.lstrip()))
    pieces = textwrap.wrap(text, width, subsequent_indent=indent or "  ", break_on_hyphens=False)
    return [Text(piece, style=style) for piece in pieces]
