"""Runs one under the other: those that a condition holds for, sorted, with the columns in which they differ."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportReturnType=false, reportAttributeAccessIssue=false
# pyright: reportCallIssue=false, reportGeneralTypeIssues=false

from collections.abc import Sequence

import pandas as pd

from lazyregime.reports.pages.table import short
from lazyregime.reports.query import column_of, select

ALWAYS = ("path", "status")
LOOKED_AT = (
    *("command", "data", "arch", "width", "config.arch.depth", "regime", "alpha", "laziness", "parameterization"),
    *("config.loss", "config.optimizer.name", "config.lr", "machine", "n_train", "epochs", "seed"),
)  # shown where they differ
REACHED = ("test_accuracy", "test_loss", "kernel_accuracy_adh_init", "kernel_accuracy_adh_final", "verdict")


def chosen(runs: pd.DataFrame, where: str = "", sort: str = "") -> pd.DataFrame:
    """The rows that `where` holds for; by the column `sort`, largest first, or smallest if it begins with a dash.

    Raises:
        LazyRegimeError: If the condition cannot be read or a column does not exist.
    """
    found = select(runs, where) if where.strip() else runs
    if not sort:
        return found
    column = column_of(runs, sort.removeprefix("-"))
    numbers = pd.to_numeric(found[column], errors="coerce")
    key = numbers if numbers.notna().any() else found[column].dropna().map(str).reindex(found.index)
    order = key.sort_values(ascending=sort.startswith("-") or key is not numbers, kind="stable", na_position="last")
    return found.loc[order.index]


def shown(runs: pd.DataFrame, columns: Sequence[str] = ()) -> tuple[list[str], list[list[str]]]:
    """Headings and cells: the columns asked for, or what the runs differ in and what they reached.

    Raises:
        LazyRegimeError: If a column does not exist.
    """
    named = [column_of(runs, name) for name in columns]
    differing = [name for name in LOOKED_AT if name in runs and runs[name].map(str).nunique() > 1]
    reached = [name for name in REACHED if name in runs and runs[name].notna().any()]
    names = named or [*ALWAYS, *differing, *reached]
    rows = [list(map(_cell, values)) for values in runs[names].itertuples(index=False)]
    return [name.removeprefix("config.") for name in names], rows


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else short(value)
    return str(value)
