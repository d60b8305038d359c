"""What was measured of each claim, by size; docs/results/STUDY.json keeps it, and the ledger of all papers reads it.

A file holds measurements and no verdicts: these are what the claims, as they stand now, say of them.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lazyregime.atomic import atomic_write
from lazyregime.errors import LazyRegimeError
from lazyregime.reports._culprits import without_culprits
from lazyregime.reports.claims import Claim, Measurement, NotSeeds

SCHEMA = 1


@dataclass(frozen=True)
class Sized:
    """A measurement, and the size of the runs it is from; None where the claim is of no size."""

    size: float | None
    found: Measurement


@dataclass(frozen=True)
class Found:
    """All that was measured of one claim, the smallest size first, and what could not be."""

    at: tuple[Sized, ...] = ()
    refused: str = ""


def measure(runs: pd.DataFrame, claim: Claim) -> Found:
    """A claim on complete runs, at every size that there is."""
    complete = runs[runs.status == "complete"]
    parts = [(None, complete)] if claim.size is None else claim.size.parts(complete)
    sized, refused = [], []
    for size, part in parts:
        try:
            found, troubles = without_culprits(claim.measure, part, but=NotSeeds)
        except NotSeeds as error:
            found, troubles = None, [str(error)]
        sized += [Sized(size, found)] if found is not None else []
        refused += troubles
    return Found(tuple(sized), "; ".join(dict.fromkeys(refused)))


def measure_all(runs: pd.DataFrame, claims: Sequence[Claim]) -> dict[str, Found]:
    """Every claim, by its id."""
    return {claim.id: measure(runs, claim) for claim in claims}


def store(path: Path, runs: pd.DataFrame, found: Mapping[str, Found]) -> None:
    """Write what was measured, and of which runs."""
    complete = runs[runs.status == "complete"]
    made = {
        "num_runs": len(complete),
        "commits": _distinct(complete, "commit"),
        "finished": max(_distinct(complete, "finished"), default=None),
    }
    claims = {name: [_as_json(sized) for sized in one.at] for name, one in found.items() if one.at}
    content = {"schema": SCHEMA, "made_of": made, "claims": claims}
    atomic_write(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def stored(folder: Path) -> dict[str, Found]:
    """All that the files in a folder say of each claim; of two measurements at one size that of more seeds.

    Raises:
        LazyRegimeError: If a file is none of ours.
    """
    kept: dict[str, dict[float | None, Measurement]] = {}
    for path in sorted(folder.glob("*.json")):
        for name, at in _claims_in(path).items():
            for sized in at:
                before = kept.setdefault(name, {}).get(sized.size)
                if before is None or before.num_seeds <= sized.found.num_seeds:
                    kept[name][sized.size] = sized.found
    return {name: Found(tuple(_ordered(by_size))) for name, by_size in kept.items()}


def _claims_in(path: Path) -> dict[str, list[Sized]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ValueError(f"its schema is {content['schema']!r}, not {SCHEMA}")
        return {str(name): [_from_json(one) for one in at] for name, at in content["claims"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise LazyRegimeError(
            f"{path} holds no measurements ({type(error).__name__}: {error}); make it anew with "
            "`python -m lazyregime.report RUNS --claims --store FILE`."
        ) from None


def _ordered(by_size: Mapping[float | None, Measurement]) -> Iterable[Sized]:
    return (Sized(size, by_size[size]) for size in sorted(by_size, key=lambda size: -1.0 if size is None else size))


def _as_json(sized: Sized) -> dict[str, Any]:
    told = {"size": sized.size, **asdict(sized.found)}
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in told.items()}


def _from_json(told: Mapping[str, Any]) -> Sized:
    numbers = {key: float("nan") if told[key] is None else float(told[key]) for key in ("value", "low", "high")}
    size = None if told["size"] is None else float(told["size"])
    return Sized(size, Measurement(**numbers, num_seeds=int(told["num_seeds"]), remark=str(told.get("remark", ""))))


def _distinct(runs: pd.DataFrame, column: str) -> list[str]:
    return sorted({str(value) for value in runs[column].dropna()}) if column in runs else []
