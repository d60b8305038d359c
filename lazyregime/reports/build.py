"""Runs in, a folder with the whole report out: report.html, report.md, report.tex, the CSV files and the figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from lazyregime.reports.claims import all_claims
from lazyregime.reports.ledger import commands_for, ledger, ledger_words
from lazyregime.reports.load import load_runs
from lazyregime.reports.pages.csv import csv_text
from lazyregime.reports.pages.document import Document, Picture
from lazyregime.reports.pages.html import page
from lazyregime.reports.pages.latex import latex_page
from lazyregime.reports.pages.markdown import markdown_page
from lazyregime.reports.pages.table import Table, left_out
from lazyregime.reports.results import measure_all, store
from lazyregime.reports.section import Section
from lazyregime.reports.sections import all_sections
from lazyregime.reports.tables.averages import with_keys
from lazyregime.reports.written import forget_others, written
from lazyregime.runs.status import Status

STATUSES = tuple(status.value for status in Status)
FEW = 4  # so many runs are shown one by one
OURS = ["key", "network"]  # columns for the tables alone


@dataclass(frozen=True)
class Report:
    """What was found and where it was written."""

    runs: pd.DataFrame
    tables: list[Table]
    files: list[Path]
    missing: list[str]


def build_report(
    paths: Sequence[Path],
    out: Path | None = None,
    *,
    claims: bool = False,
    recompute: bool = False,
    keep: Path | None = None,
) -> Report:
    """Read the runs at `paths` and write their report into `out` (default: `report/` under the first path).

    Args:
        paths: Run folders, or folders that hold runs.
        out: Where to write.
        claims: Hold the published claims against the runs too.
        keep: With `claims`, a file in which the measurements are kept for the ledger of all papers.
        recompute: Compute metrics that are younger than the runs from the kernels that they keep.

    Raises:
        LazyRegimeError: If a path does not exist or holds no run.
    """
    runs = with_keys(load_runs(paths, recompute=recompute))
    out = Path(paths[0]) / "report" if out is None else out
    sections = all_sections(runs, out / "figures")
    if claims:
        sections.insert(0, _claims(runs, keep))
    document = _document(f"lazyregime: {_name(paths)}", runs, sections)
    tables = {name: table for section in sections for name, table in section.data.items()}
    files = write_document(document, out, {"runs": runs.drop(columns=OURS), **tables})
    return Report(runs, list(document.tables), files, list(document.commands))


def write_document(document: Document, out: Path, data: Mapping[str, pd.DataFrame]) -> list[Path]:
    """The pages, the tables in `data` as CSV, and the document's figures that lie in `out`: all that the report is."""
    files = [
        written(out / "report.html", page(document)),
        written(out / "report.md", markdown_page(document, out)),
        written(out / "report.tex", latex_page(document, out)),
        *(written(out / f"{name}.csv", csv_text(table)) for name, table in data.items()),
        *(picture.path for picture in document.pictures if picture.path.is_relative_to(out)),
    ]
    forget_others(out, [*files, *(path.with_suffix(".pdf") for path in files if path.suffix == ".png")])
    return files


def _document(title: str, runs: pd.DataFrame, sections: list[Section]) -> Document:
    tables = [table for section in sections for table in section.tables if table.lines]
    tables += left_out([trouble for section in sections for trouble in section.troubles])
    pictures = [*(picture for section in sections for picture in section.pictures), *_summaries(runs)]
    commands = list(dict.fromkeys(command for section in sections for command in section.commands))
    return Document(title, _lead(runs), tables, pictures, commands)


def _claims(runs: pd.DataFrame, file: Path | None) -> Section:
    """The ledger; a claim is looked for in the runs given, whatever command made them."""
    claims = all_claims()
    found = measure_all(runs, claims)
    if file is not None:
        store(file, runs, found)
    table = ledger(claims, found)
    return Section([ledger_words(table)], data={"claims": table}, commands=commands_for(table))


def _summaries(runs: pd.DataFrame) -> list[Picture]:
    """The figures of the runs themselves, where there are few; a damaged one, which the run's command mends, is not."""
    paths = [Path(path) / "figures" / "summary.png" for path in runs.path]
    return [Picture(path, path.parents[1].name) for path in paths if _is_whole(path)] if len(runs) <= FEW else []


def _is_whole(picture: Path) -> bool:
    try:
        with Image.open(picture) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):  # as Pillow has it for what is no picture
        return False
    return True


def _name(paths: Sequence[Path]) -> str:
    return ", ".join(dict.fromkeys(Path(path).resolve().name for path in paths))


def _lead(runs: pd.DataFrame) -> str:
    counts = runs.status.value_counts()
    told = [f"{counts[status]} {status}" for status in STATUSES if status in counts]
    return f"{len(runs)} run{'s' if len(runs) > 1 else ''}: {', '.join(told)}."
