"""The report, and a table of it, as GitHub-flavoured Markdown."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from lazyregime.reports.pages.document import Document
from lazyregime.reports.pages.table import Cell, Span, Table
from lazyregime.reports.reading.cleaning import clean_text

MARKS = set("\\|*_<`[]$&")


def markdown_page(document: Document, folder: Path) -> str:
    """The whole document, which stands in `folder`."""
    parts = [f"# {escape(document.title)}\n", f"{escape(document.lead)}\n"]
    parts += [f"{escape(text)}\n" for text in document.introduction]
    parts += [markdown(table) for table in document.tables if not table.folded]
    for picture in document.pictures:
        where = quote(Path(os.path.relpath(picture.path, folder)).as_posix())
        parts.append(f"![{escape(picture.caption)}]({where})\n")
    if document.commands:
        parts += ["## What is missing here, and how to make it\n", fenced(document.commands)]
    return "\n".join([*parts, *(markdown(table) for table in document.tables if table.folded)])


def markdown(table: Table) -> str:
    """The table with its title, lead and notes; a section heading becomes a row of its own in bold."""
    columns = table.columns
    parts = [f"## {escape(table.title)}", *([escape(table.lead)] if table.lead else [])]
    rows = [
        "| " + " | ".join(escape(heading) for heading, _ in columns) + " |",
        "|" + "|".join("---:" if side == "right" else ":---" for _, side in columns) + "|",
    ]
    for line in table.lines:
        if isinstance(line, Span):
            text = f"**{escape(line.text)}**" if line.heading else f"*{escape(line.text)}*"
            rows.append(f"| {text} |" + " |" * (len(columns) - 1))
        else:
            rows.append("| " + " | ".join(map(_cell, line)) + " |")
    return "\n\n".join([*parts, "\n".join(rows), *map(escape, table.notes)]) + "\n"


def _cell(cell: Cell) -> str:
    if not cell.link:
        return escape(cell.text)
    return f"[{escape(cell.text)}]({cell.link if cell.link.startswith('https://') else quote(cell.link)})"


def escape(text: str) -> str:
    """Text that Markdown (and GitHub's mathematics) leaves as it is."""
    text = " ".join(clean_text(text).split())
    return "".join("\\" + mark if mark in MARKS else mark for mark in text)


def fenced(lines: Sequence[str]) -> str:
    """Lines as they are typed, in a fence longer than any within them."""
    text = "\n".join(map(clean_text, lines))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}\n"
