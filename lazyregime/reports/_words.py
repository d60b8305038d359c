"""The tables as text: which numbers are shown, in which order, with which marks and remarks."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.pages.table import Cell, Line, Span, Table, arrow, fraction, short
from lazyregime.reports.tables.published import SOURCE, TOLERANCE_POINTS
from lazyregime.reports.tables.settings import data_name
from lazyregime.reports.tables.usual import Told

POSTER_COLUMNS = (
    *(("row", "left"), ("published", "right"), ("poster protocol", "right"), ("points", "right")),
    *(("adh protocol", "right"), ("points", "right"), ("seeds", "right")),
)
REGIME_COLUMNS = (
    *(("regime", "left"), ("test accuracy", "right"), ("kernel accuracy", "right"), ("kernel change", "right")),
    *(("1 - cos", "right"), ("alignment", "right"), ("weights moved", "right")),
    *(("verdict", "left"), ("seeds", "right")),
)


def poster_words(told: Told) -> Table:
    """The poster's table, a section a network and width."""
    table = told.table
    lines: list[Line] = []
    notes: list[str] = []
    for (network, width, _), part in table.groupby(["network", "width", "key"], sort=False):
        first = part.iloc[0]
        lines.append(Span(f"{network} {width}   {_parameters(first)}" + _with(first.settings)))
        if first.num_repeated:
            notes.append(
                f"{network} {width}: {first.num_repeated} more runs have the same settings and seeds; "
                "the one finished last is used."
            )
        lines += _three_rows(part)
    if lines:
        notes = [
            "Lazy: regression with the kernel at initialization; Feature: with the kernel of the same network after "
            "training; Regular: that network. Mean ± standard error over seeds.",
            f"points: measured minus published, in percentage points; ! marks more than {TOLERANCE_POINTS:g}. "
            f"Published: {SOURCE}. Its CNN has no activation after the third convolution.",
            *notes,
        ]
    return Table("The poster's table", POSTER_COLUMNS, lines, notes, told.unless)


def regimes_words(told: Told) -> Table:
    """The regimes side by side, a section a network, width and data set."""
    table = told.table
    lines: list[Line] = []
    for (network, width, data), part in table.groupby(["network", "width", "data"], sort=False):
        lines.append(Span(f"{network} {width}, {data_name(data)}"))
        for row in part.to_dict("records"):
            lines.append([Cell(text) for text in _regime_row(row)])
            if row["settings"]:
                lines.append(Span(f"({row['settings']})", heading=False))
    notes = [
        "kernel accuracy, alignment: at initialization → after training (protocol adh; centred kernel-target "
        "alignment). kernel change: ‖Θ₁ - Θ₀‖ / ‖Θ₀‖. weights moved: ‖w - w₀‖ / ‖w₀‖.",
        "Means over seeds; standard errors of all columns are in regimes.csv.",
    ]
    return Table("The regimes side by side", REGIME_COLUMNS, lines, notes if lines else [], told.unless)


def unfinished_words(runs: pd.DataFrame, root: Path) -> Table:
    """The runs that count in no table, each with its reason."""
    unfinished = runs[runs.status != "complete"].sort_values(["status", "path"])
    lines: list[Line] = [
        [
            Cell(row.status, "warn" if row.status == "failed" else "plain"),
            Cell(_relative(row.path, root)),
            Cell(row.reason),
        ]
        for row in unfinished.itertuples()
    ]
    columns = (("status", "left"), ("run", "left"), ("reason", "left"))
    notes = ["They are in none of the tables. The command that started them, given again, finishes them."]
    return Table("Unfinished runs", columns, lines, notes if lines else [])


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
    points = float(value.difference_points)  # pyright: ignore[reportArgumentType]
    text = "" if points != points else f"{points:+.1f} {'!' if value.flagged else ' '}"
    return [Cell(fraction(value["mean"], value.standard_error)), Cell(text, "warn" if value.flagged else "plain")]


def _regime_row(row: dict[str, object]) -> list[str]:
    number = {name: float(value) for name, value in row.items() if isinstance(value, int | float)}
    regime = str(row["regime"]) + (f" α={number['alpha']:g}" if row["regime"] == "scaled" else "")
    return [
        regime,
        fraction(number["test_accuracy"], number["test_accuracy_error"]),
        arrow(*(fraction(number[f"kernel_accuracy_adh_{when}"], digits=3) for when in ("init", "final"))),
        short(number["kernel_change"]),
        short(number["kernel_distance"]),
        arrow(*(fraction(number[f"kernel_alignment_{when}"], digits=2) for when in ("init", "final"))),
        short(number["parameter_displacement"]),
        str(row["verdict"]),
        f"{number['num_seeds']:.0f}",
    ]


def _relative(path: str, root: Path) -> str:
    inside = Path(path)
    return str(inside.relative_to(root)) if inside.is_relative_to(root) and inside != root else path
