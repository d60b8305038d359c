"""A table as GitHub-flavoured Markdown."""

import re
from collections.abc import Sequence

from lazyregime.reports.pages.table import Span, Table
from lazyregime.reports.reading.cleaning import clean_text

MARKS = set("\\|*_<`[]$&")


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
            rows.append("| " + " | ".join(escape(cell.text) for cell in line) + " |")
    return "\n\n".join([*parts, "\n".join(rows), *map(escape, table.notes)]) + "\n"


def escape(text: str) -> str:
    """Text that Markdown (and GitHub's mathematics) leaves as it is."""
    text = " ".join(clean_text(text).split())
    return "".join("\\" + mark if mark in MARKS else mark for mark in text)


def fenced(lines: Sequence[str]) -> str:
    """Lines as they are typed, in a fence longer than any within them."""
    text = "\n".join(map(clean_text, lines))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}\n"
