"""The report as one HTML file that refers to nothing outside itself: figures and style are within."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lazyregime.reports.pages.table import Cell, Span, Table
from lazyregime.reports.reading.cleaning import clean_text

STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --soft: #5c6670; --line: #d9dee3; --page: #fbfbf9; --card: #fff;
  --warn: #a64b00; --band: #f1f2ef; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6e8; --soft: #9aa4ae; --line: #343b43; --page: #15181c;
  --card: #1c2025; --warn: #f0a35e; --band: #23282e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .5rem; }
p { margin: .35rem 0; max-width: 52rem; } .lead, .note, figcaption, footer { color: var(--soft); font-size: .9rem; }
.scroll { overflow-x: auto; margin: .9rem 0; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .38rem .8rem; text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; font-size: .82rem; vertical-align: bottom;
  border-bottom: 1px solid var(--line); }
.right { text-align: right; white-space: nowrap; }
tr.section td { background: var(--band); font-weight: 600; padding-top: .5rem; padding-bottom: .5rem; }
tr.remark td { color: var(--soft); font-size: .85rem; padding-top: 0; padding-left: 1.8rem; }
.warn { color: var(--warn); font-weight: 600; } .faint { color: var(--soft); }
figure { margin: 1.25rem 0 2rem; } figure img { display: block; max-width: 100%; height: auto; background: #fff;
  border: 1px solid var(--line); border-radius: .5rem; padding: .5rem; } figcaption { margin-top: .45rem; }
pre { padding: .8rem 1rem; background: var(--band); border-radius: .5rem; overflow-x: auto; font-size: .88rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .75rem; }
"""


@dataclass(frozen=True)
class Picture:
    """A figure on disk with the sentence under it."""

    path: Path
    caption: str


def page(title: str, lead: str, tables: Sequence[Table], pictures: Sequence[Picture], commands: Sequence[str]) -> str:
    """The whole document."""
    body = [f"<h1>{escape(title)}</h1>", f'<p class="lead">{escape(lead)}</p>']
    body += [_table(table) for table in tables]
    if pictures:
        body += ["<h2>Figures</h2>", *map(_figure, pictures)]
    if commands:
        body += ["<h2>What is missing, and how to make it</h2>", f"<pre>{chr(10).join(map(escape, commands))}</pre>"]
    body.append(
        "<footer>Made by lazyregime; the numbers behind each table are in the CSV files beside this page.</footer>"
    )
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{escape(title)}</title><style>{STYLE}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def escape(text: str) -> str:
    """Text that HTML leaves as it is."""
    return html.escape(clean_text(text))


def _table(table: Table) -> str:
    head = "".join(f'<th class="{side}">{escape(heading)}</th>' for heading, side in table.columns)
    rows = "\n".join(_line(line, table) for line in table.lines)
    lead = f'<p class="lead">{escape(table.lead)}</p>' if table.lead else ""
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    grid = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'
    return f"<h2>{escape(table.title)}</h2>{lead}{grid}{notes}"


def _line(line: list[Cell] | Span, table: Table) -> str:
    if isinstance(line, Span):
        kind = "section" if line.heading else "remark"
        return f'<tr class="{kind}"><td colspan="{len(table.columns)}">{escape(line.text)}</td></tr>'
    cells = zip(line, table.columns, strict=True)
    return (
        "<tr>"
        + "".join(f'<td class="{side} {cell.tone}">{escape(cell.text)}</td>' for cell, (_, side) in cells)
        + "</tr>"
    )


def _figure(picture: Picture) -> str:
    data = base64.b64encode(picture.path.read_bytes()).decode("ascii")
    caption = escape(picture.caption)
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'
    )
