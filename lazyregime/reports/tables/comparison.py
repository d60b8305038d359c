"""Rows that two groups of runs have, or one of them: what each reached, and the difference with its standard error."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from lazyregime.reports.pages.table import fraction, short
from lazyregime.reports.tables import flows, machines, regimes
from lazyregime.reports.tables.averages import seed_groups
from lazyregime.reports.tables.settings import ABSENT, Settings, setting_words
from lazyregime.reports.tables.summary import Estimate, estimate
from lazyregime.reports.tables.usual import Told, Usual, remark

Write = Callable[[float, float], str]
Place = tuple[tuple[object, ...], Settings]


@dataclass(frozen=True)
class Kind:
    """What is compared of the runs of one command.

    Args:
        title: Of its table.
        chosen: Its complete runs.
        by: What a row stands under.
        apart: The column of `by` whose values differ by nature in further settings.
        measures: Column, heading, and how a value is written.
    """

    title: str
    chosen: Callable[[pd.DataFrame], pd.DataFrame]
    by: tuple[str, ...]
    apart: str
    measures: tuple[tuple[str, str, Write], ...]


KINDS = (
    Kind(
        "Training", regimes.trained, regimes.BY, "regime",
        (("test_accuracy", "test accuracy", fraction), ("test_loss", "test loss", short),
         ("kernel_change", "kernel change", short)),
    ),
    Kind(
        "Kernel machines", machines.fitted, ("data", *machines.BY), "machine",
        (("test_accuracy", "test accuracy", fraction), ("test_risk", "test risk", short)),
    ),
    Kind(
        "Two-layer flows", flows.flows, ("target", "activation", "init", "width"), "target",
        (("mean_field_risk", "risk, α = 1", short), ("ntk_risk", "risk, α = √N", short)),
    ),
)  # fmt: skip


def compared(kind: Kind, first: pd.DataFrame, second: pd.DataFrame) -> Told:
    """A row a place; each measure of A and of B, and the difference; and what the groups differ by."""
    groups = [kind.chosen(runs) for runs in (first, second)]
    usual = [_usual(kind, runs) for runs in groups]
    places: dict[Place, list[pd.DataFrame | None]] = {}
    for number, runs in enumerate(groups):
        for group in seed_groups(runs, kind.by):
            nature = usual[number][group.where[kind.by.index(kind.apart)]]
            places.setdefault((group.where, nature.unlike(group.key)), [None, None])[number] = group.runs
    rows = [_row(kind, place, *pair) for place, pair in sorted(places.items(), key=lambda item: _order(item[0]))]
    return Told(pd.DataFrame(rows), _differences(*usual))


def _order(place: Place) -> tuple[tuple[str, float], ...]:
    """Words by the alphabet, numbers by size, and what is not known first."""
    return tuple((value, 0.0) if isinstance(value, str) else ("", float(value or 0)) for value in place[0])  # pyright: ignore[reportArgumentType]


def _usual(kind: Kind, runs: pd.DataFrame) -> dict[object, Usual]:
    """What goes without saying, by nature."""
    named = runs.assign(**{kind.apart: runs[kind.apart].astype(object)}) if kind.apart in runs else runs
    return {value: Usual.of(part.key) for value, part in named.groupby(kind.apart, sort=False)} if len(runs) else {}


def _row(kind: Kind, place: Place, first: pd.DataFrame | None, second: pd.DataFrame | None) -> dict[str, object]:
    where, unlike = place
    row = dict(zip(kind.by, where, strict=True)) | {"settings": remark(unlike)}
    row |= {"seeds_A": 0 if first is None else len(first), "seeds_B": 0 if second is None else len(second)}
    for measure, *_ in kind.measures:
        a, b = (_estimate(runs, measure) for runs in (first, second))
        row |= {f"{measure}_A": a.mean, f"{measure}_A_error": a.error, f"{measure}_B": b.mean}
        row |= {f"{measure}_B_error": b.error, f"{measure}_difference": b.mean - a.mean}
        row[f"{measure}_difference_error"] = math.hypot(a.error, b.error)
    return row


def _estimate(runs: pd.DataFrame | None, measure: str) -> Estimate:
    return estimate(pd.Series(dtype=float) if runs is None or measure not in runs else runs[measure])


def _differences(first: Mapping[object, Usual], second: Mapping[object, Usual]) -> str:
    """What A's runs have that B's have not, said once where it is so for every nature that both have."""
    found: dict[str, list[str]] = {}
    both = [nature for nature in first if nature in second]
    for nature in both:
        a, b = first[nature].values, second[nature].values
        for key in {**a, **b}:
            if a.get(key, ABSENT) != b.get(key, ABSENT):
                words = f"{setting_words(key, a.get(key, ABSENT))} against {b.get(key, ABSENT)}"
                found.setdefault(words, []).append(str(nature))
    told = [words + (f" ({', '.join(where)})" if len(where) < len(both) else "") for words, where in found.items()]
    return f"A against B: {'; '.join(told)}." if told else "The settings of A and B are the same."
