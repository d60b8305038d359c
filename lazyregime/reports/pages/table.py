"""A table of text with spanning lines, which the terminal, Markdown and HTML renderers all read."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Tone = Literal["plain", "good", "warn", "faint"]


class Cell(NamedTuple):
    """A piece of text and how it is to be taken."""

    text: str
    tone: Tone = "plain"


class Span(NamedTuple):
    """A line across the whole table: the heading of a section, or a remark under a row."""

    text: str
    heading: bool = True


Line = list[Cell] | Span


@dataclass(frozen=True)
class Table:
    """Columns are (heading, "left" or "right"); `notes` are sentences below."""

    title: str
    columns: tuple[tuple[str, Literal["left", "right"]], ...]
    lines: list[Line]
    notes: list[str] = field(default_factory=list)
    lead: str = ""


def fraction(value: float, error: float = float("nan"), digits: int = 4) -> str:
    """An accuracy as the poster prints it, with its standard error: .7705 ± .0012."""
    if value != value:
        return "-"
    text = f"{value:.{digits}f}"
    text = text.removeprefix("0") if value >= 0 else text.replace("-0.", "-.", 1)
    return text if error != error else f"{text} ± {f'{error:.{digits}f}'.removeprefix('0')}"


def short(value: float) -> str:
    """Three significant figures, in powers of ten only where needed."""
    if value != value:
        return "-"
    if value == 0:
        return "0"
    return f"{value:.3f}" if 0.001 <= abs(value) < 1 else f"{value:.3g}"


def arrow(first: str, last: str) -> str:
    """Before and after."""
    return "-" if first == last == "-" else f"{first} → {last}"


def left_out(troubles: list[str]) -> list[Table]:
    """What is not in the report though it was asked for, a sentence a line."""
    lines: list[Line] = [[Cell(trouble, "warn")] for trouble in dict.fromkeys(troubles)]
    return [Table("Left out", (("part: what, and why", "left"),), lines)] if lines else []
