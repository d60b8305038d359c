"""docs/ledger.md: one table of all papers, from the measurements that are kept in docs/results."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from pathlib import Path

import pandas as pd

from lazyregime.atomic import atomic_write
from lazyregime.errors import LazyRegimeError
from lazyregime.reports.claims import all_claims
from lazyregime.reports.claims._unmeasured import UNMEASURED
from lazyregime.reports.ledger import TONES, at, interval, ledger, papers
from lazyregime.reports.pages.markdown import markdown
from lazyregime.reports.pages.table import Cell, Line, Table, columns
from lazyregime.reports.results import stored

HEAD = """\
# The ledger

Every published statement that this project measures, with what it found. Made by
`python -m lazyregime.report --ledger docs/ledger.md` from the measurements in `docs/results`, each of which
`python -m lazyregime.report RUNS --claims --store docs/results/STUDY.json` has written; not to be edited by hand.

A claim has a direction (equal, at least, at most) and the size that its source speaks of. It **holds** or **fails** if
the whole 95% confidence interval over seeds lies inside or outside of what is expected; it is **open** if the interval
does not settle it, or if the statement is about a limit and fails below it; and it is **not measured** if no runs of
its size are there, whatever smaller ones say. What cannot fail, such as an identity, is a test of the code and no
claim. A study that has no file in `docs/results` has not been run since the ledger keeps its measurements; what its
page tells is of an earlier run.
"""


def write_ledger(path: Path, results: Path | None = None) -> str:
    """Write the ledger to `path` and return its first line of numbers.

    Args:
        path: The page.
        results: The folder of the measurements (default: `results` beside the page).

    Raises:
        LazyRegimeError: If there are no measurements, or a file of them is damaged.
    """
    results = path.parent / "results" if results is None else results
    if not any(results.glob("*.json")):
        raise LazyRegimeError(
            f"{results} holds no measurements, of which the ledger {path} would be made; write some with "
            f"`python -m lazyregime.report RUNS --claims --store {results / 'STUDY.json'}`, or give docs/ledger.md."
        )
    table = ledger(all_claims(), stored(results))
    atomic_write(path, ledger_text(table))
    counts = table.verdict.value_counts()
    return f"{len(table)} claims: " + ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in TONES)


def ledger_text(table: pd.DataFrame) -> str:
    """The page."""
    parts = [HEAD, markdown(_counts(table))]
    parts += [markdown(_paper(str(name), part)) for name, part in table.groupby(papers(table), sort=False)]
    parts.append(markdown(_without_verdict()))
    return "\n".join(parts)


def _counts(table: pd.DataFrame) -> Table:
    """Claims by paper and verdict, and how many were measured at some size."""
    lines: list[Line] = []
    for name, part in [*table.groupby(papers(table), sort=False), ("all", table)]:
        counts, measured = part.verdict.value_counts(), int((part.num_seeds > 0).sum())
        numbers = [len(part), measured, *(int(counts.get(verdict, 0)) for verdict in TONES)]
        lines.append([Cell(str(name)), *(Cell(str(number)) for number in numbers)])
    heads = columns(left="paper", right=f"claims|measured at some size|{'|'.join(TONES)}")
    return Table("In numbers", heads, lines)


def _without_verdict() -> Table:
    lines: list[Line] = [[Cell(one.paper), Cell(one.statement), Cell(one.reason)] for one in UNMEASURED]
    return Table("Statements without a verdict", columns(left="paper|statement|why there is none"), lines)


def _paper(name: str, part: pd.DataFrame) -> Table:
    lines: list[Line] = [
        [
            Cell(row["id"].partition(".")[2]),
            Cell(f"{row['statement']} {row['source']}"),
            Cell(at(str(row["expected"]), row["published_size"])),
            Cell(interval(row)),
            Cell(f"{row['num_seeds']}" if row["num_seeds"] else "-"),
            Cell(at(str(row["verdict"]), row["size"])),
            Cell("; ".join(filter(None, [row["other_sizes"], row["remark"], row["explanation"]]))),
        ]
        for row in part.to_dict("records")
    ]
    heads = (*columns(left="claim|statement", right="expected|measured|seeds"), *columns(left="verdict|beside it"))
    return Table(name, heads, lines)
