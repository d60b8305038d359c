"""One run in full: its measures in words, its settings, its figures."""

import functools
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazyregime.app.dashboard.rows import plain
from lazyregime.reports.pages.table import short
from lazyregime.reports.reading.cleaning import clean_text
from lazyregime.reports.reading.folder import read_run

MOST_FIGURES, LARGEST_FIGURE = 12, 20_000_000  # bytes
NOT_MEASURES = {"path", "status", "reason", "schema"}


def detail_of(folder: Path) -> dict[str, Any]:
    """{"measures": [[words, value], ..], "settings": [[key, value], ..], "figures": [name, ..], "warnings": ..}."""
    run = read_run(folder)
    settings = {key.removeprefix("config."): run[key] for key in sorted(run) if key.startswith("config.")}
    return {
        "measures": _measures({key: value for key, value in run.items() if key not in settings}),
        "settings": [[key, plain(value)] for key, value in settings.items()],
        "figures": figures_of(folder),
        "warnings": clean_text(str(run.get("warnings") or "")),
        "path": clean_text(str(folder)),
    }


def figures_of(folder: Path) -> list[str]:
    """The names of the pictures in a run's folder of figures."""
    try:
        found = sorted(path.name for path in (folder / "figures").iterdir() if path.suffix == ".png")
    except OSError:
        return []
    return [name for name in found if clean_text(name) == name][:MOST_FIGURES]


def figure(folder: Path, name: str) -> bytes | None:
    """A picture of a run; None for any other name, a link, or what is no picture of a bearable size."""
    if name not in figures_of(folder) or (folder / "figures").is_symlink():
        return None
    path = folder / "figures" / name
    told = path.lstat()
    if not stat.S_ISREG(told.st_mode) or told.st_size > LARGEST_FIGURE:
        return None
    content = path.read_bytes()
    return content if content.startswith(b"\x89PNG\r\n\x1a\n") else None


@functools.cache
def metric_words_at_hand() -> dict[str, str]:
    """The words of the console; the first call takes the seconds that torch takes to import."""
    from lazyregime.measure.words import metric_words

    return metric_words()


def _measures(run: Mapping[str, Any]) -> list[list[object]]:
    """Every scalar of the result, in the words of the console where it has some."""
    words = metric_words_at_hand()
    keys = [k for k in run if not k.startswith(("config.", "versions.")) and k not in NOT_MEASURES]
    return [[words.get(key, key.replace("_", " ")), _shown(run[key])] for key in keys]


def _shown(value: object) -> object:
    return short(value) if isinstance(value, float) else plain(value)
