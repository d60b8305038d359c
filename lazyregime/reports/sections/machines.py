"""Kernel machines of any group: a table a data set, and accuracy or risk against what was varied."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lazyregime.reports.figures import machines as figure
from lazyregime.reports.pages.table import Cell, Line, Span, Table, columns, count, fraction, short
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.machines import fitted, machine_words, machines_table
from lazyregime.reports.tables.settings import data_name
from lazyregime.reports.tables.usual import Told

ORDER = 25
SHOWN = (
    *columns(left="machine", right="features|training samples|ridge"),
    *columns(left="chosen by", right="test accuracy|test risk|training risk|seeds"),
)
NOTES = [
    "Closed-form fits; risk: mean square error over that of predicting zero. A ridge that was chosen on the test set "
    "flatters the machine. Means ± standard errors over seeds; ridge: their mean.",
]


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Every complete fit, averaged over its seeds."""
    fits = fitted(runs).fillna({"data": "unknown data"})
    told = [(str(data), machines_table(part)) for data, part in fits.groupby("data", sort=False)]
    if not told:
        return Section()
    table = pd.concat([found.table.assign(data=data) for data, found in told], ignore_index=True)
    pictures, troubles = save_figures(figures, {"machines": Drawing(_draw, table, figure.CAPTION)})
    words = [machines_words(data, found) for data, found in told]
    return Section(words, pictures, {"machines": table.drop(columns="key")}, troubles=troubles)


def _draw(table: pd.DataFrame) -> Figure | None:
    return figure.draw({data_name(data): part for data, part in table.groupby("data", sort=False)})


def machines_words(data: str, told: Told) -> Table:
    """The machines on one data set, a line a size and kind."""
    lines: list[Line] = []
    for row in told.table.to_dict("records"):
        lines.append([Cell(text) for text in _row(row)])
        if row["settings"]:
            lines.append(Span(f"({row['settings']})", heading=False))
    return Table(f"Kernel machines: {data_name(data)}", SHOWN, lines, NOTES, told.unless)


def _row(row: Mapping[str, object]) -> list[str]:
    number = {name: float(value) for name, value in row.items() if isinstance(value, int | float)}
    unknown = float("nan")
    return [
        machine_words(row["machine"], row["at"]),
        count(row["num_features"]),
        "∞" if count(row["n_train"]) == "-" else count(row["n_train"]),
        short(number["ridge"]),
        str(row["chosen_by"]).replace("_", " "),
        fraction(number["test_accuracy"], number["test_accuracy_error"]),
        short(number["test_risk"], number.get("test_risk_error", unknown)),
        short(number["train_risk"]),
        f"{number['num_seeds']:.0f}",
    ]
