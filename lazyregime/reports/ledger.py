"""The ledger of claims: each published statement with what was measured here, and the verdict."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

import math
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from lazyregime.reports._culprits import without_culprits
from lazyregime.reports.claims import Claim, Measurement, Verdict
from lazyregime.reports.pages.table import Cell, Line, Span, Table, Tone

COLUMNS = (
    *("id", "source", "statement", "measured", "expected", "value", "low", "high", "num_seeds", "verdict"),
    *("settled", "remark", "explanation", "command"),
)
TONES: dict[Verdict, Tone] = {"holds": "good", "fails": "warn", "not measured": "faint"}
SHOWN: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("claim", "left"),
    ("expected", "right"),
    ("measured", "right"),
    ("seeds", "right"),
    ("verdict", "left"),
)


def ledger(runs: pd.DataFrame, claims: Sequence[Claim]) -> pd.DataFrame:
    """One row a claim; see COLUMNS. Only complete runs count."""
    complete = runs[runs.status == "complete"]
    return pd.DataFrame([_measured(claim, complete) for claim in claims], columns=pd.Index(COLUMNS))


def _measured(claim: Claim, runs: pd.DataFrame) -> dict[str, object]:
    found, troubles = without_culprits(claim.measure, runs)
    row = _row(claim, found)
    return row | {"remark": "; ".join(filter(None, [str(row["remark"]), *troubles]))}


def ledger_words(table: pd.DataFrame) -> Table:
    """The ledger as a person reads it, a section a paper; what is not measured is counted, and its commands named."""
    lines: list[Line] = []
    measured = table[table.verdict != "not measured"]
    for paper, part in measured.groupby(measured.id.map(lambda name: name.partition(".")[0]), sort=False):
        lines.append(Span(str(paper)))
        for row in part.to_dict("records"):
            seeds = f"{row['num_seeds']:.0f}"
            verdict = Cell(f"{row['verdict']}{'' if row['settled'] else ' ?'}", TONES[row["verdict"]])
            lines.append([Cell(row["id"]), Cell(row["expected"]), Cell(_interval(row)), Cell(seeds), verdict])
            told = [row["statement"], row["source"], row["remark"], row["explanation"]]
            lines.append(Span("; ".join(text.rstrip(".") for text in told if text) + ".", heading=False))
    counts = table.verdict.value_counts()
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in TONES if verdict in counts)
    notes = [
        "measured: mean over seeds [95% confidence interval]; ? marks a verdict that the interval does not settle.",
    ]
    return Table("The claims", SHOWN, lines, notes if lines else [], f"{len(table)} claims: {told}.")


def commands_for(table: pd.DataFrame) -> list[str]:
    """What makes the runs that are lacking, each command once; of papers only that these runs have begun on."""
    paper = table.id.str.partition(".")[0]
    begun = paper.isin(set(paper[table.verdict != "not measured"]))
    return list(dict.fromkeys(table[begun & (table.verdict == "not measured")].command))


def _row(claim: Claim, found: Measurement | None) -> dict[str, object]:
    row: dict[str, object] = {"id": claim.id, "source": claim.source, "statement": claim.statement}
    row |= {"measured": claim.measured, "expected": claim.expected.words, "command": claim.command}
    row |= {"verdict": claim.verdict(found), "explanation": "", "remark": "", "settled": False, "num_seeds": 0}
    if found is not None:
        row |= {"value": found.value, "low": found.low, "high": found.high, "num_seeds": found.num_seeds}
        row |= {"remark": found.remark, "settled": claim.settled(found)}
        row["explanation"] = claim.explanation if row["verdict"] == "fails" else ""
    return row


def _interval(row: dict[str, object]) -> str:
    value, low, high = (float(str(row[key])) for key in ("value", "low", "high"))
    text = _short(value)
    return text if math.isnan(low) or low == high else f"{text} [{_short(low)}, {_short(high)}]"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1000 else f"{value:.4g}"
