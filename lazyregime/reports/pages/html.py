"""The report as one HTML file that refers to nothing outside itself: figures, style and script are within."""

import base64
import hashlib
import html
import io
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from lazyregime.reports.pages.document import Document, Picture
from lazyregime.reports.pages.table import Cell, Line, Span, Table
from lazyregime.reports.reading.cleaning import clean_text

COLOURS, WIDEST = 96, 1500  # of an embedded figure: enough for lines and for maps of one scale
HERE = files("lazyregime.reports.pages")
STYLE, SCRIPT = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))


def page(document: Document) -> str:
    """The whole document. It can load nothing and run nothing but the script that sorts its tables."""
    script_hash = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{script_hash}'"
    head = [
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        f"<title>{escape(document.title)}</title>",
        f"<style>{STYLE}</style>",
    ]
    body = "\n".join(_body(document))
    return (
        f'<!doctype html>\n<html lang="en"><head>{"".join(head)}</head>\n<body>\n{body}\n'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def escape(text: str) -> str:
    """Text that HTML leaves as it is."""
    return html.escape(clean_text(text))


def _body(document: Document) -> Iterator[str]:
    yield f"<h1>{escape(document.title)}</h1>"
    yield f'<p class="lead">{escape(document.lead)}</p>'
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in document.introduction)
    yield f"<details><summary>What this is, and how to read it</summary>{paragraphs}</details>"
    yield from (_table(table) for table in document.tables if not table.folded)
    if document.pictures:
        yield "<h2>Figures</h2>"
        yield from map(_figure, document.pictures)
    if document.commands:
        lines = "\n".join(map(escape, document.commands))
        yield f"<h2>What is missing here, and how to make it</h2><pre>{lines}</pre>"
    yield from (_table(table) for table in document.tables if table.folded)
    yield (
        "<footer>Made by lazyregime. A click on a heading sorts a table; the numbers behind each are in the CSV files "
        "beside this page, and report.tex has the tables for a paper.</footer>"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th class="{side}" tabindex="0">{escape(heading)}</th>' for heading, side in table.columns)
    rows = "\n".join(_line(line, table) for line in table.lines)
    lead = f'<p class="lead">{escape(table.lead)}</p>' if table.lead else ""
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    grid = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'
    if table.folded:
        return f"<details><summary>{escape(table.title)}</summary>{lead}{grid}{notes}</details>"
    return f"<h2>{escape(table.title)}</h2>{lead}{grid}{notes}"


def _line(line: Line, table: Table) -> str:
    if isinstance(line, Span):
        kind = "section" if line.heading else "remark"
        return f'<tr class="{kind}"><td colspan="{len(table.columns)}"><span>{escape(line.text)}</span></td></tr>'
    cells = zip(line, table.columns, strict=True)
    return "<tr>" + "".join(f'<td class="{side} {cell.tone}">{_cell(cell)}</td>' for cell, (_, side) in cells) + "</tr>"


def _cell(cell: Cell) -> str:
    if not cell.link:
        return escape(cell.text)
    target = cell.link if cell.link.startswith("https://") else quote(cell.link)
    return f'<a href="{html.escape(target)}">{escape(cell.text)}</a>'


def _figure(picture: Picture) -> str:
    data = base64.b64encode(embedded(picture.path)).decode("ascii")
    caption = escape(picture.caption)
    return (
        f'<figure><div class="scroll"><img src="data:image/png;base64,{data}" alt="{caption}"></div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def embedded(path: Path) -> bytes:
    """A figure with few colours and no wider than a page shows it: a quarter of the file's size or less."""
    with Image.open(path) as image:
        small = image.convert("RGB")
    if small.width > WIDEST:
        small = small.resize((WIDEST, round(small.height * WIDEST / small.width)), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
