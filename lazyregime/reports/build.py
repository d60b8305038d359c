"""Runs in, a folder with the whole report out: report.md, report.html, the CSV files and the figures."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lazyregime.reports._files import write_text
from lazyregime.reports._markdown import markdown
from lazyregime.reports._table import Table
from lazyregime.reports._words import poster_words, regimes_words, unfinished_words
from lazyregime.reports.figures import accuracy_width, kernel_change, regime_accuracy, spectra
from lazyregime.reports.load import load_runs
from lazyregime.reports.missing import missing_commands
from lazyregime.reports.page import Picture, page
from lazyregime.reports.poster_table import poster_table
from lazyregime.reports.regimes_table import regimes_table
from lazyregime.reports.style import house_style, save

FEW = 4  # so many runs are shown one by one


@dataclass(frozen=True)
class Report:
    """What was found and where it was written."""

    runs: pd.DataFrame
    tables: list[Table]
    files: list[Path]
    missing: list[str]


def build_report(paths: Sequence[Path], out: Path | None = None) -> Report:
    """Read the runs at `paths` and write their report into `out` (default: `report/` under the first path).

    Raises:
        LazyRegimeError: If a path does not exist or holds no run.
    """
    runs = load_runs(paths)
    out = Path(paths[0]) / "report" if out is None else out
    poster, regimes = poster_table(runs), regimes_table(runs)
    tables = [poster_words(poster), regimes_words(regimes), unfinished_words(runs, Path(paths[0]))]
    tables = [table for table in tables if table.lines]
    pictures = [*_figures(out / "figures", runs, poster, regimes), *_summaries(runs)]
    missing = missing_commands(runs)
    title, lead = f"lazyregime: {_name(paths)}", _lead(runs)
    document = page(title, lead, tables, pictures, missing)
    files = [
        write_text(out / "report.html", document),
        write_text(out / "report.md", _as_markdown(title, lead, tables, pictures, missing, out)),
        write_text(out / "runs.csv", runs.to_csv(index=False)),
        write_text(out / "poster_table.csv", poster.drop(columns="key").to_csv(index=False)),
        write_text(out / "regimes.csv", regimes.drop(columns="key").to_csv(index=False)),
    ]
    return Report(runs, tables, [*files, *(p.path for p in pictures if p.path.is_relative_to(out))], missing)


def _figures(folder: Path, runs: pd.DataFrame, poster: pd.DataFrame, regimes: pd.DataFrame) -> list[Picture]:
    """Draw what there are data for; a figure of an earlier report that has none now is removed."""
    pictures = []
    with house_style():
        drawn: dict[str, tuple[Figure | None, str]] = {
            "accuracy_width": (accuracy_width.draw(poster), accuracy_width.CAPTION),
            "regime_accuracy": (regime_accuracy.draw(regimes), regime_accuracy.CAPTION),
            "kernel_change": (kernel_change.draw(regimes), kernel_change.CAPTION),
            "spectra": (spectra.draw(runs), spectra.CAPTION),
        }
        for name, (figure, caption) in drawn.items():
            path = folder / f"{name}.png"
            if figure is not None:
                pictures.append(Picture(save(figure, path), caption))
            else:
                path.unlink(missing_ok=True)
                path.with_suffix(".pdf").unlink(missing_ok=True)
    return pictures


def _summaries(runs: pd.DataFrame) -> list[Picture]:
    """The figures of the runs themselves, where there are few."""
    paths = [Path(path) / "figures" / "summary.png" for path in runs.path]
    return [Picture(path, path.parents[1].name) for path in paths if path.is_file()] if len(runs) <= FEW else []


def _name(paths: Sequence[Path]) -> str:
    return ", ".join(dict.fromkeys(Path(path).resolve().name for path in paths))


def _lead(runs: pd.DataFrame) -> str:
    counts = runs.status.value_counts()
    told = [
        f"{counts[status]} {status}" for status in ("complete", "running", "failed", "incomplete") if status in counts
    ]
    return f"{len(runs)} run{'s' if len(runs) > 1 else ''}: {', '.join(told)}."


def _as_markdown(
    title: str, lead: str, tables: list[Table], pictures: list[Picture], missing: list[str], out: Path
) -> str:
    parts = [f"# {title}\n", f"{lead}\n", *map(markdown, tables)]
    for picture in pictures:
        parts.append(f"![{picture.caption}]({Path(os.path.relpath(picture.path, out)).as_posix()})\n")
    if missing:
        parts += ["## What is missing, and how to make it\n", "```\n" + "\n".join(missing) + "\n```\n"]
    return "\n".join(parts)
