"""The last that a run tells those who watch it: its numbers, its kernels, its figure, and its row of the results."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazyregime.measure.words import ENDS
from lazyregime.reports.load import FIRST_COLUMNS
from lazyregime.reports.run_figures.kernels import gram_pictures, spectra_table
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.result import Result
from lazyregime.tracking.tracking import Tracking

# One row a run, the same columns for every run: wandb joins the tables of the runs that are chosen.
RESULTS = ("run", *(name for name in FIRST_COLUMNS if name not in ("path", "status", "reason", "name", "id", "group")))


def tell_result(
    tracking: Tracking, config: Mapping[str, Any], folder: RunFolder, result: Result, figure: Path | None
) -> None:
    """Tell it; a run without kernels, or without a figure, tells of none."""
    tracking.summary(last_words(result))
    for name, picture in gram_pictures(folder.path).items():
        tracking.log_image(name, picture)
    columns, rows = spectra_table(folder.path)
    if rows:
        tracking.log_table("kernel/spectrum", columns, rows)
    if figure is not None and figure.is_file():
        tracking.log_image("summary", figure)
    tracking.log_table("results", list(RESULTS), [[folder.path.name, *(result.get(name) for name in RESULTS[1:])]])
    if config["tracking"].get("artifacts") and folder.kernels.is_file():
        tracking.log_file("kernels", "kernels", folder.kernels)


def last_words(result: Mapping[str, Any]) -> dict[str, Any]:
    """Its scalars; what was measured on the way too stands there as it is at the end."""
    told = {key: value for key, value in result.items() if isinstance(value, int | float | str)}
    end = f"_{list(ENDS)[-1]}"
    return told | {key.removesuffix(end): value for key, value in told.items() if key.endswith(end)}
