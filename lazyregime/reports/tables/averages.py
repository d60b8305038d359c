"""mean ± s / sqrt(n) over seeds: runs that differ in nothing but their seeds are one row."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from lazyregime.reports.tables.settings import Settings, network_of, one_per_seed, settings_of
from lazyregime.reports.tables.summary import estimate
from lazyregime.reports.tables.usual import Told, Usual, remark


@dataclass(frozen=True)
class SeedGroup:
    """Runs that agree in everything but their seeds: one a seed, of several the one finished last.

    Args:
        where: What they have in the columns of the table that they stand in; None where they have nothing.
        key: All their other settings.
        runs: Themselves.
        num_repeated: How many more there were with seeds of these.
    """

    where: tuple[object, ...]
    key: Settings
    runs: pd.DataFrame
    num_repeated: int


def with_keys(runs: pd.DataFrame) -> pd.DataFrame:
    """Add `network` (in words) and `key` (the settings), by which runs may be averaged, where they are lacking."""
    if "key" in runs:
        return runs
    records = runs.to_dict("records")
    keys = pd.Series([settings_of(record) for record in records], index=runs.index, dtype=object)
    return runs.assign(network=[network_of(record) for record in records], key=keys)


def seed_groups(runs: pd.DataFrame, by: Sequence[str]) -> list[SeedGroup]:
    """The runs (with keys) in groups that stand in one row of a table with the columns `by`."""
    indices: dict[tuple[tuple[object, ...], Settings], list[object]] = {}
    columns = [runs[name] if name in runs else pd.Series(None, runs.index, dtype=object) for name in by]
    for index, key, *where in zip(runs.index, runs.key, *columns, strict=True):
        place = tuple(None if value is None or value != value else value for value in where)
        indices.setdefault((place, key), []).append(index)
    return [SeedGroup(where, key, *one_per_seed(runs.loc[chosen])) for (where, key), chosen in indices.items()]


def averages(
    runs: pd.DataFrame,
    by: Sequence[str],
    measures: Sequence[str],
    *,
    told: Sequence[str],
    apart: str | None = None,
    words: Sequence[str] = (),
) -> Told:
    """One row a group of seeds: `by`, what the row says of its settings, and each measure's mean and `…_error`.

    Args:
        runs: With keys.
        by: The columns that the groups stand under.
        measures: What is averaged; a run may lack some.
        told: The settings that the sentence above the table speaks of.
        apart: A column of `by` whose values differ by nature in further settings: a row speaks of those only where it
            is unlike the others of its value.
        words: Columns of words; where seeds differ, each word is counted.
    """
    usual = Usual.of(runs.key)
    own = {value: Usual.of(part.key) for value, part in runs.groupby(apart, sort=False)} if apart else {}
    rows: list[dict[str, object]] = []
    for group in seed_groups(runs, by):
        row = dict(zip(by, group.where, strict=True))
        nature = own.get(row[apart]) if apart else None
        unlike = dict(usual.unlike(group.key, told if nature else None))
        unlike |= dict(nature.unlike(group.key)) if nature else {}
        row |= {"settings": remark(tuple(unlike.items())), "key": group.key}
        row |= {"num_seeds": len(group.runs), "num_repeated": group.num_repeated}
        row |= {word: _counted(group.runs[word]) if word in group.runs else "" for word in words}
        for measure in measures:
            found = estimate(group.runs[measure] if measure in group.runs else pd.Series(dtype=float))
            row |= {measure: found.mean, f"{measure}_error": found.error}
        rows.append(row)
    errors = [name for measure in measures for name in (measure, f"{measure}_error")]
    columns = [*by, "settings", "num_seeds", "num_repeated", *words, *errors, "key"]
    return Told(pd.DataFrame(rows, columns=pd.Index(columns)), usual.sentence(told))


def _counted(values: pd.Series) -> str:
    counts = values.dropna().value_counts()
    if len(counts) < 2:
        return str(counts.index[0]) if len(counts) else ""
    return ", ".join(f"{word} ({count})" for word, count in counts.items())
