"""A table of text with spanning lines, which the terminal, Markdown, HTML and LaTeX all read."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Tone = Literal["plain", "good", "warn", "faint"]
Side = Literal["left", "right"]
Columns = tuple[tuple[str, Side], ...]


class Cell(NamedTuple):
    """A piece of text, how it is to be taken, and where it leads (a path, relative to the report)."""

    text: str
    tone: Tone = "plain"
    link: str = ""


class Span(NamedTuple):
    """A line across the whole table: the heading of a section, or a remark under a row."""

    text: str
    heading: bool = True


Line = list[Cell] | Span


@dataclass(frozen=True)
class Table:
    """Columns are (heading, "left" or "right"); `lead` stands above, `notes` are sentences below.

    A table that is `folded` is to be looked things up in: it is not printed on a terminal, and closed on a page.
    """

    title: str
    columns: Columns
    lines: list[Line]
    notes: list[str] = field(default_factory=list)
    lead: str = ""
    folded: bool = False


def columns(*, left: str = "", right: str = "") -> Columns:
    """Columns from headings separated by `|`: those of words first, then those of numbers."""
    words: Columns = tuple((heading, "left") for heading in left.split("|") if heading)
    numbers: Columns = tuple((heading, "right") for heading in right.split("|") if heading)
    return words + numbers


def fraction(value: float, error: float = float("nan"), digits: int = 4) -> str:
    """An accuracy as the poster prints it, with its standard error: .7705 ± .0012."""
    if value != value:
        return "-"
    text = f"{value:.{digits}f}"
    text = text.removeprefix("0") if value >= 0 else text.replace("-0.", "-.", 1)
    return text if error != error else f"{text} ± {f'{error:.{digits}f}'.removeprefix('0')}"


def short(value: float, error: float = float("nan")) -> str:
    """Three significant figures, in powers of ten only where needed, with the standard error if there is one."""
    if value != value:
        return "-"
    text = "0" if value == 0 else f"{value:.3f}" if 0.001 <= abs(value) < 1 else f"{value:.3g}"
    return text if error != error else f"{text} ± {error:.2g}"


def count(value: object) -> str:
    """12,000, or a dash for what is not known."""
    return f"{value:,.0f}" if isinstance(value, int | float) and value == value else "-"


def arrow(first: str, last: str) -> str:
    """Before and after."""
    return "-" if first == last == "-" else f"{first} → {last}"


def left_out(troubles: list[str]) -> list[Table]:
    """What is not in the report though it was asked for, a sentence a line."""
    lines: list[Line] = [[Cell(trouble, "warn")] for trouble in dict.fromkeys(troubles)]
    return [Table("Left out", columns(left="part: what, and why"), lines)] if lines else []
