"""The regimes side by side: accuracy, how far the kernel moves, and its spectrum."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportReturnType=false

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import kernel_change, regime_accuracy, spectra
from lazyregime.reports.pages.table import Cell, Line, Span, Table, arrow, columns, fraction, short
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.regimes import regimes_table, trained
from lazyregime.reports.tables.settings import data_name, with_width
from lazyregime.reports.tables.usual import Told

ORDER = 20
ROUNDING = 1e-6  # degrees
SHOWN = (
    *columns(left="regime", right="test accuracy|kernel accuracy|kernel change|kernel turned|alignment|weights moved"),
    *columns(left="verdict", right="seeds"),
)
ALPHA_SWEEP = "python -m lazyregime.train -m regime=scaled alpha=0.1,1,10,100"
NOTES = [
    "kernel accuracy, alignment: at initialization → after training (protocol adh; centred kernel-target alignment). "
    "kernel change: ‖Θ₁ - Θ₀‖ / ‖Θ₀‖. kernel turned: the angle between Θ₀ and Θ₁, of that between two "
    "initializations where it was measured; the verdict goes by them (docs/verdict.md). weights moved: ‖w - w₀‖ / "
    "‖w₀‖. Where targets are no classes: the test loss.",
    "Means over seeds; standard errors of all columns are in regimes.csv.",
]


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Every complete training run, averaged over its seeds; a table for each data set, loss and optimizer."""
    kinds = [(title, regimes_table(part)) for title, part in _kinds(trained(runs))]
    tables = [told.table for _, told in kinds]
    table = pd.concat(tables, ignore_index=True) if kinds else regimes_table(runs).table
    drawings = {
        "regime_accuracy": Drawing(regime_accuracy.draw, table, regime_accuracy.CAPTION),
        "kernel_change": Drawing(kernel_change.draw, table, kernel_change.CAPTION),
        "spectra": Drawing(spectra.draw, runs, spectra.CAPTION),
    }
    pictures, troubles = save_figures(figures, drawings)
    words = [regimes_words(told, title, notes=number == 0) for number, (title, told) in enumerate(kinds)]
    commands = [] if "scaled" in set(table.regime) or not kinds else [ALPHA_SWEEP]
    data = {"regimes": table.drop(columns="key")} if kinds else {}
    return Section(words, pictures, data, commands, troubles)


def _kinds(runs: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """What may be compared at all, and what it is called beside others of its data set."""
    named = runs.fillna({"data": "unknown data"})
    for data in named.data.value_counts().index:
        part = named[named.data == data]
        kinds = list(part.fillna({"loss": "", "optimizer": ""}).groupby(["loss", "optimizer"], sort=False))
        for names, kind in kinds:
            told = ", ".join(str(name).replace("_", " ") for name in names if name) if len(kinds) > 1 else ""
            yield f": {data_name(data)}" + (f", {told}" if told else ""), kind


def regimes_words(told: Told, title: str = "", *, notes: bool = True) -> Table:
    """The regimes side by side, a section a network, width and data set."""
    lines: list[Line] = []
    for (network, width, data), part in told.table.groupby(["network", "width", "data"], sort=False, dropna=False):
        lines.append(Span(f"{with_width(network, width)}, {data_name(data)}"))
        for row in part.to_dict("records"):
            lines.append([Cell(text) for text in _row(row)])
            if row["settings"]:
                lines.append(Span(f"({row['settings']})", heading=False))
    return Table(f"The regimes side by side{title}", SHOWN, lines, NOTES if notes else [], told.unless)


def _row(row: Mapping[str, object]) -> list[str]:
    number = {name: float(value) for name, value in row.items() if isinstance(value, int | float)}
    reached = fraction(number["test_accuracy"], number["test_accuracy_error"])
    if reached == "-" and number["test_loss"] == number["test_loss"]:
        reached = f"loss {short(number['test_loss'], number['test_loss_error'])}"
    return [
        f"{row['regime']} {row['scale']}".rstrip(),
        reached,
        arrow(*(fraction(number[f"kernel_accuracy_adh_{when}"], digits=3) for when in ("init", "final"))),
        short(number["kernel_change"]),
        _turned(number["kernel_angle"], number["kernel_angle_null"]),
        arrow(*(fraction(number[f"kernel_alignment_{when}"], digits=2) for when in ("init", "final"))),
        short(number["parameter_displacement"]),
        str(row["verdict"]),
        f"{number['num_seeds']:.0f}",
    ]


def _turned(sine: float, null: float) -> str:
    """`36° of 6°`; two digits of what is small, whole numbers of what is not, and 0° for what is rounding."""
    told = [math.degrees(math.asin(min(1.0, value))) for value in (sine, null) if value == value]
    words = [f"{angle:.0f}°" if angle >= 3 else f"{float(f'{angle:.2g}') * (angle > ROUNDING):g}°" for angle in told]
    return " of ".join(words) if sine == sine else "-"
