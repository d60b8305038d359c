"""A table as GitHub-flavoured Markdown."""

from lazyregime.reports._table import Span, Table


def markdown(table: Table) -> str:
    """The table with its title, lead and notes; a section heading becomes a row of its own in bold."""
    columns = table.columns
    parts = [f"## {_escape(table.title)}", *([_escape(table.lead)] if table.lead else [])]
    rows = [
        "| " + " | ".join(_escape(heading) for heading, _ in columns) + " |",
        "|" + "|".join("---:" if side == "right" else ":---" for _, side in columns) + "|",
    ]
    for line in table.lines:
        if isinstance(line, Span):
            text = f"**{_escape(line.text)}**" if line.heading else f"*{_escape(line.text)}*"
            rows.append(f"| {text} |" + " |" * (len(columns) - 1))
        else:
            rows.append("| " + " | ".join(_escape(cell.text) for cell in line) + " |")
    return "\n\n".join([*parts, "\n".join(rows), *map(_escape, table.notes)]) + "\n"


def _escape(text: str) -> str:
    for mark in ("\\", "|", "*", "_", "<", "`"):
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())
