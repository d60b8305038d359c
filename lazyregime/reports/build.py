"""Runs in, a folder with the whole report out: report.md, report.html, the CSV files and the figures."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lazyregime.atomic import atomic_write
from lazyregime.reports.claims import all_claims
from lazyregime.reports.figures.style import house_style
from lazyregime.reports.ledger import commands_for, ledger, ledger_words
from lazyregime.reports.load import load_runs
from lazyregime.reports.pages.csv import csv_text
from lazyregime.reports.pages.html import Picture, page
from lazyregime.reports.pages.markdown import escape, fenced, markdown
from lazyregime.reports.pages.table import Table, left_out
from lazyregime.reports.section import Section
from lazyregime.reports.sections import all_sections

STATUSES = ("complete", "running", "interrupted", "failed", "damaged")
FEW = 4  # so many runs are shown one by one


@dataclass(frozen=True)
class Report:
    """What was found and where it was written."""

    runs: pd.DataFrame
    tables: list[Table]
    files: list[Path]
    missing: list[str]


def build_report(paths: Sequence[Path], out: Path | None = None, *, claims: bool = False) -> Report:
    """Read the runs at `paths` and write their report into `out` (default: `report/` under the first path).

    Args:
        paths: Run folders, or folders that hold runs.
        out: Where to write.
        claims: Hold the published claims against the runs too.

    Raises:
        LazyRegimeError: If a path does not exist or holds no run.
    """
    runs = load_runs(paths)
    out = Path(paths[0]) / "report" if out is None else out
    with house_style():
        sections = all_sections(runs, out / "figures")
    if claims:
        sections.insert(0, _claims(runs))
    tables = [table for section in sections for table in section.tables if table.lines]
    tables += left_out([trouble for section in sections for trouble in section.troubles])
    pictures = [*(picture for section in sections for picture in section.pictures), *_summaries(runs)]
    missing = list(dict.fromkeys(command for section in sections for command in section.commands))
    title, lead = f"lazyregime: {_name(paths)}", _lead(runs)
    files = [
        _written(out / "report.html", page(title, lead, tables, pictures, missing)),
        _written(out / "report.md", _as_markdown(title, lead, tables, pictures, missing, out)),
        _written(out / "runs.csv", csv_text(runs)),
    ]
    for section in sections:
        files += [_written(out / f"{name}.csv", csv_text(table)) for name, table in section.data.items()]
    return Report(runs, tables, [*files, *(p.path for p in pictures if p.path.is_relative_to(out))], missing)


def _written(path: Path, text: str) -> Path:
    atomic_write(path, text)
    return path


def _claims(runs: pd.DataFrame) -> Section:
    """The ledger; a claim is looked for in the runs given, whatever command made them."""
    table = ledger(runs, all_claims())
    return Section([ledger_words(table)], data={"claims": table}, commands=commands_for(table))


def _summaries(runs: pd.DataFrame) -> list[Picture]:
    """The figures of the runs themselves, where there are few."""
    paths = [Path(path) / "figures" / "summary.png" for path in runs.path]
    return [Picture(path, path.parents[1].name) for path in paths if path.is_file()] if len(runs) <= FEW else []


def _name(paths: Sequence[Path]) -> str:
    return ", ".join(dict.fromkeys(Path(path).resolve().name for path in paths))


def _lead(runs: pd.DataFrame) -> str:
    counts = runs.status.value_counts()
    told = [f"{counts[status]} {status}" for status in STATUSES if status in counts]
    return f"{len(runs)} run{'s' if len(runs) > 1 else ''}: {', '.join(told)}."


def _as_markdown(
    title: str, lead: str, tables: list[Table], pictures: list[Picture], missing: list[str], out: Path
) -> str:
    parts = [f"# {escape(title)}\n", f"{escape(lead)}\n", *map(markdown, tables)]
    for picture in pictures:
        parts.append(f"![{escape(picture.caption)}]({Path(os.path.relpath(picture.path, out)).as_posix()})\n")
    if missing:
        parts += ["## What is missing, and how to make it\n", fenced(missing)]
    return "\n".join(parts)
