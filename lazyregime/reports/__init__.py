"""Run folders read into tables, figures and a page."""

from pathlib import Path
from typing import Any

from lazyregime.reports.load import load_runs

__all__ = ["draw_run", "load_runs"]


def draw_run(folder: str | Path, result: dict[str, Any] | None = None) -> Path:
    """Draw `figures/summary.png` of one run folder; see `lazyregime.reports.run_figures.training`."""
    from lazyregime.reports.run_figures.training import (
        draw_run as draw,  # matplotlib is imported only where it is needed
    )

    return draw(folder, result)
