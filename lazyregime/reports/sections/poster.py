"""The poster's MNIST table beside its published values, and accuracy against width."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import accuracy_width
from lazyregime.reports.missing import missing_commands
from lazyregime.reports.pages.table import Cell, Line, Span, Table, columns, fraction
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.poster import poster_table
from lazyregime.reports.tables.published import SOURCE, TOLERANCE_POINTS
from lazyregime.reports.tables.usual import Told

ORDER = 10
SHOWN = columns(left="row", right="published|poster protocol|points|adh protocol|points|seeds")
NOTES = [
    "Lazy: regression with the kernel at initialization; Feature: with the kernel of the same network after "
    "training; Regular: that network. Mean ± standard error over seeds.",
    f"points: measured minus published, in percentage points; ! marks more than {TOLERANCE_POINTS:g}. "
    f"Published: {SOURCE}. Its CNN has no activation after the third convolution.",
]


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """What there is of the poster's table, and the commands for the rest of it."""
    told = poster_table(runs)
    drawings = {"accuracy_width": Drawing(accuracy_width.draw, told.table, accuracy_width.CAPTION)}
    pictures, troubles = save_figures(figures, drawings)
    data = {"poster_table": told.table.drop(columns="key")} if len(told.table) else {}
    return Section([poster_words(told)], pictures, data, missing_commands(runs), troubles)


def poster_words(told: Told) -> Table:
    """The poster's table, a section a network and width."""
    lines: list[Line] = []
    notes: list[str] = []
    for (network, width, _), part in told.table.groupby(["network", "width", "key"], sort=False):
        first = part.iloc[0]
        lines.append(Span(f"{network} {width}   {_parameters(first)}" + _with(first.settings)))
        if first.num_repeated:
            notes.append(
                f"{network} {width}: {first.num_repeated} more runs have the same settings and seeds; "
                "the one finished last is used."
            )
        lines += _three_rows(part)
    return Table("The poster's table", SHOWN, lines, [*NOTES, *notes], told.unless)


def _parameters(first: pd.Series) -> str:
    measured, published = first.num_params, first.num_params_published
    if pd.isna(measured):
        return "N unknown"
    text = f"N = {measured:,.0f}"
    if pd.isna(published):
        return text
    return f"{text} = published" if measured == published else f"{text} ! published {published:,.0f}"


def _with(settings: str) -> str:
    return f"   ({settings})" if settings else ""


def _three_rows(part: pd.DataFrame) -> list[Line]:
    lines: list[Line] = []
    for row, values in part.groupby("row", sort=False):
        numbers = [pair for _, value in values.iterrows() for pair in _value(value)]
        if row == "Regular":
            numbers += [Cell("no kernel", "faint"), Cell("")]
        counts = sorted(set(values.num_seeds))
        published = fraction(values.published.astype(float).iloc[0])
        lines.append([Cell(str(row)), Cell(published), *numbers, Cell("-".join(map(str, counts)))])
    return lines


def _value(value: pd.Series) -> list[Cell]:
    points = float(value.difference_points)
    text = "" if points != points else f"{points:+.1f} {'!' if value.flagged else ' '}"
    return [Cell(fraction(value["mean"], value.standard_error)), Cell(text, "warn" if value.flagged else "plain")]
