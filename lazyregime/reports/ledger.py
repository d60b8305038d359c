"""The ledger of claims: each published statement with what was measured here, at which size, and the verdict."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from lazyregime.reports.claims import Claim, Verdict
from lazyregime.reports.pages.table import Cell, Columns, Line, Span, Table, Tone, columns
from lazyregime.reports.results import Found, Sized

COLUMNS = (
    *("id", "source", "statement", "measured", "direction", "expected", "published_size", "verdict", "size"),
    *("value", "low", "high", "num_seeds", "other_sizes", "remark", "explanation", "command"),
)
TONES: dict[Verdict, Tone] = {"holds": "good", "fails": "warn", "open": "plain", "not measured": "faint"}
SHOWN: Columns = (*columns(left="claim", right="expected|measured|seeds"), *columns(left="verdict"))
NOTES = [
    "measured: mean over seeds [95% confidence interval]. holds, fails: the whole interval lies inside, or outside, of "
    "what is expected; open: it does not settle it, or a limit is not reached; not measured: there are no runs of the "
    "size that the statement speaks of (what smaller ones say stands behind it).",
]


def ledger(claims: Sequence[Claim], found: Mapping[str, Found]) -> pd.DataFrame:
    """One row a claim, at the largest size that was run; see COLUMNS."""
    rows = [_row(claim, found.get(claim.id, Found())) for claim in claims]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def ledger_words(table: pd.DataFrame) -> Table:
    """The ledger as a person reads it, a section a paper; of what nothing was measured only the number is told."""
    lines: list[Line] = []
    for paper, part in table.groupby(papers(table), sort=False):
        there = part[part.num_seeds > 0]
        if len(there) or (part.remark != "").any():
            lines.append(Span(f"{paper}: {counted(part)}"))
        for row in part.to_dict("records"):
            if row["num_seeds"] > 0 or row["remark"]:
                lines += _lines(row)
    return Table("The claims", SHOWN, lines, NOTES if lines else [], f"{len(table)} claims: {counted(table)}.")


def commands_for(table: pd.DataFrame) -> list[str]:
    """What makes the runs that are lacking, each command once; of papers only that these runs have begun on."""
    begun = papers(table).isin(set(papers(table)[table.num_seeds > 0]))
    return list(dict.fromkeys(table[begun & (table.num_seeds == 0)].command))


def papers(table: pd.DataFrame) -> pd.Series:
    """The paper of each claim."""
    return table.id.str.partition(".")[0]


def counted(table: pd.DataFrame) -> str:
    """How many claims have which verdict."""
    counts = table.verdict.value_counts()
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in TONES if verdict in counts)


def interval(row: Mapping[str, object]) -> str:
    """The value with its interval."""
    value, low, high = (float(str(row[key])) for key in ("value", "low", "high"))
    if math.isnan(value):
        return "-"
    text = _short(value)
    return text if math.isnan(low) or low == high else f"{text} [{_short(low)}, {_short(high)}]"


def at(words: str, size: object) -> str:
    """`holds at n = 4,000`; without a size only the words."""
    return f"{words} at {size}" if size else words


def _lines(row: Mapping[str, object]) -> list[Line]:
    verdict = at(str(row["verdict"]), row["size"])
    cells = [Cell(str(row["id"])), Cell(str(row["expected"])), Cell(interval(row)), Cell(f"{row['num_seeds']:.0f}")]
    told = [row["statement"], row["source"], row["other_sizes"], row["remark"], row["explanation"]]
    remark = Span("; ".join(str(text).rstrip(".") for text in told if text) + ".", heading=False)
    return [[*cells, Cell(verdict, TONES[row["verdict"]])], remark]


def _row(claim: Claim, found: Found) -> dict[str, object]:
    row: dict[str, object] = {"id": claim.id, "source": claim.source, "statement": claim.statement}
    row |= {"measured": claim.measured, "expected": claim.expected.words, "command": claim.command}
    row |= {"direction": claim.expected.direction, "published_size": _published(claim), "size": "", "num_seeds": 0}
    row |= {"verdict": claim.verdict(None), "other_sizes": "", "remark": found.refused, "explanation": ""}
    row |= dict.fromkeys(("value", "low", "high"), math.nan)
    if not found.at:
        return row
    largest = found.at[-1]
    row |= {"value": largest.found.value, "low": largest.found.low, "high": largest.found.high}
    row |= {"num_seeds": largest.found.num_seeds, "verdict": claim.verdict(largest.found, largest.size)}
    row["remark"] = "; ".join(filter(None, [largest.found.remark, found.refused]))
    row["size"] = _published(claim) if row["verdict"] == "not measured" else _told(claim, largest)
    row["other_sizes"] = _others(claim, found.at, all_of_them=row["verdict"] == "not measured")
    row["explanation"] = claim.explanation if row["verdict"] != "holds" else ""
    return row


def _others(claim: Claim, at: Sequence[Sized], *, all_of_them: bool) -> str:
    """What each size says by itself, so that a reader sees the verdict move with it."""
    shown = at if all_of_them else at[:-1]
    return ", ".join(f"{claim.judge(sized.found)} at {_told(claim, sized)}" for sized in shown)


def _told(claim: Claim, sized: Sized) -> str:
    return "" if claim.size is None or sized.size is None else claim.size.told(sized.size)


def _published(claim: Claim) -> str:
    return "" if claim.size is None or claim.size.published == 0 else claim.size.told(claim.size.published)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1000 else f"{value:.4g}"
