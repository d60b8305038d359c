"""Every number of a result that has no column elsewhere: a metric that was added somewhere is shown here by itself."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from lazyregime.reports.pages.table import Cell, Line, Span, Table, columns, short
from lazyregime.reports.section import Section
from lazyregime.reports.tables import flows, machines, regimes
from lazyregime.reports.tables.averages import seed_groups, with_keys
from lazyregime.reports.tables.settings import COUNTED
from lazyregime.reports.tables.summary import estimate
from lazyregime.reports.tables.usual import Usual, remark

ORDER = 80
BOOKKEEPING = {
    *("schema", "seconds", "num_threads", "lr", "laziness", "num_params", "epochs", "steps", "selected_epoch"),
    *("flows_together", "ridge_best_on_test", "in_features", "n_samples", "end_time", "dimension", "num_test_probe"),
    *("seed", "init_seed", "data_seed", "batch_seed", "width", "alpha"),
}
KINDS: tuple[tuple[str, Callable[[pd.DataFrame], pd.DataFrame], Sequence[str], Sequence[str]], ...] = (
    ("train", regimes.trained, ("network", "data", "width", "regime", "alpha"), regimes.MEASURES),
    ("fit", machines.fitted, ("data", *machines.BY), machines.MEASURES),
    ("flow", flows.flows, ("target", "activation", "init", "width"), flows.MEASURES),
)
MOST_ROWS = 40  # groups of seeds in the table; the CSV file has them all


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """A table a command, a section a row of its main table, a line a number; and all of it as CSV."""
    del figures
    tables: list[Table] = []
    data: dict[str, pd.DataFrame] = {}
    for command, chosen, by, shown in KINDS:
        part = with_keys(chosen(runs))
        names = further(part, {*by, *shown, *COUNTED})
        if names:
            rows = _rows(part, by, names)
            tables.append(_table(command, rows))
            data[f"further_measures_{command}"] = rows
    return Section(tables, data=data)


def further(runs: pd.DataFrame, shown: set[str]) -> list[str]:
    """The numeric columns that no table above has."""
    names = [str(name) for name in runs.select_dtypes("number")] if len(runs) else []
    plain = [name for name in names if not name.startswith("config.") and name not in shown | BOOKKEEPING]
    return [name for name in plain if not name.startswith("seconds_") and runs[name].notna().any()]


def _rows(runs: pd.DataFrame, by: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    usual = Usual.of(runs.key)
    rows: list[dict[str, object]] = []
    for group in seed_groups(runs, by):
        place = dict(zip(by, group.where, strict=True)) | {"settings": remark(usual.unlike(group.key))}
        for name in names:
            found = estimate(group.runs[name])
            if found.exists:
                rows.append(place | {"measure": name, "mean": found.mean, "error": found.error, "seeds": found.count})
    return pd.DataFrame(rows)


def _table(command: str, rows: pd.DataFrame) -> Table:
    by = [name for name in rows.columns if name not in ("measure", "mean", "error", "seeds")]
    lines: list[Line] = []
    groups = list(rows.groupby(by, sort=False, dropna=False))
    for names, part in groups[:MOST_ROWS]:
        lines.append(
            Span(", ".join(_told(name, value) for name, value in zip(by, names, strict=True) if value == value))
        )
        for row in part.to_dict("records"):
            numbers = Cell(short(row["mean"], row["error"])), Cell(f"{row['seeds']:.0f}")
            lines.append([Cell(str(row["measure"])), *numbers])
    notes = ["Means ± standard errors over seeds."]
    if len(groups) > MOST_ROWS:
        notes.append(f"{len(groups) - MOST_ROWS} more rows are in further_measures_{command}.csv.")
    title = f"Further measures of python -m lazyregime.{command}"
    return Table(title, columns(left="measure", right="mean|seeds"), lines, notes, folded=True)


def _told(name: str, value: object) -> str:
    if isinstance(value, float):
        return f"{name.replace('_', ' ')} {value:.4g}"
    return str(value) if value else ""
