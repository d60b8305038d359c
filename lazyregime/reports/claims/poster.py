"""The poster's MNIST table: each row of numbers by its own protocol, within two points."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from lazyregime.reports.claims import Claim, Measurement, Size, at_most
from lazyregime.reports.claims._seeds import PerSeed, Seeds, across
from lazyregime.reports.claims._trial import made_up
from lazyregime.reports.tables.poster import MEASURED_AS, poster_runs
from lazyregime.reports.tables.published import POSTER, ROWS, SOURCE, TOLERANCE_POINTS

MEANING = {
    "Lazy": "Kernel regression with the kernel at initialization has accuracy",
    "Feature": "Kernel regression with the kernel of the trained network has accuracy",
    "Regular": "The network itself has accuracy",
}
SIZE = Size("{:,.0f} images", "n_train", published=60_000)
OFF = 0.05  # of a trial that must fail


def _published(arch: str, row: str) -> dict[int, float]:
    values = {column.width: column.value(row) for column in POSTER if column.arch == arch}
    return {width: value for width, value in values.items() if value is not None}


def _key(row: str) -> str:
    return MEASURED_AS[row, "none" if row == "Regular" else "poster"]


def _farthest(arch: str, row: str, runs: pd.DataFrame) -> Measurement | None:
    """The largest distance over the widths; where some are lacking, it can only be too small."""
    published, chosen = _published(arch, row), poster_runs(runs)
    chosen = chosen[chosen.network == arch.upper()]
    found: dict[int, PerSeed] = {}
    for width in published:
        found[width] = Seeds.of(chosen[chosen.width == width]).mean(_key(row))
    there = {width: value for width, value in found.items() if value.measured() is not None}
    if not there:
        return None
    targets = [published[width] for width in there]
    apart = across(lambda *values: max(abs(v - t) for v, t in zip(values, targets, strict=True)), *there.values())
    measured = apart.measured(f"widths {', '.join(map(str, there))}")
    return measured if measured is None or len(there) == len(published) else replace(measured, high=float("nan"))


def _trial(arch: str, row: str, folder: Path, obeys: bool) -> pd.DataFrame:
    """Three seeds of every width with the published numbers, or one of them wrong."""
    del folder
    runs: list[dict[str, Any]] = []
    for number, (width, value) in enumerate(_published(arch, row).items()):
        wrong = 0.0 if obeys or number else OFF
        common = {"regime": "regular", "arch": arch, "width": width, "data": "mnist", "n_train": 60_000}
        common |= {"config.arch.last_activation": False} if arch == "cnn" else {}
        runs += [{**common, "seed": seed, _key(row): value - wrong + 0.001 * (seed - 1)} for seed in range(3)]
    return made_up(runs)


def _list(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def _claim(arch: str, row: str) -> Claim:
    published = _published(arch, row)
    experiment = {"mlp": "poster_table", "cnn": "poster_table_cnn"}[arch]
    told = ", ".join(f"{100 * value:.2f}" for value in published.values())
    return Claim(
        id=f"poster.{arch}.{row.lower()}",
        source=SOURCE,
        statement=f"{MEANING[row]} {told}% on MNIST, with {arch.upper()}s of width {', '.join(map(str, published))}.",
        measured="largest distance from these" + ("" if row == "Regular" else ", under protocol poster"),
        expected=at_most(TOLERANCE_POINTS / 100),
        measure=partial(_farthest, arch, row),
        command=f"python -m lazyregime.train -m experiment={experiment} width={_list(published)} seed=0,1,2",
        trial=partial(_trial, arch, row),
        size=SIZE,
        explanation="see docs/poster.md",
    )


CLAIMS = tuple(_claim(arch, row) for arch in ("mlp", "cnn") for row in ROWS)
