"""GROUP/.sweeps/*.json: which command made a run, as a sweep wrote it down; shown, and never handed to anything."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path

from lazyregime.reports.reading.cleaning import clean_text
from lazyregime.reports.reading.files import read_bytes


def sweep_commands(groups: Iterable[Path]) -> dict[str, str]:
    """By the name of a run's folder, the command of the sweep that it belongs to."""
    found: dict[str, str] = {}
    for group in groups:
        for path in sorted((group / ".sweeps").glob("*.json")):
            found |= _commands(path)
    return found


def _commands(path: Path) -> dict[str, str]:
    try:
        content = json.loads(read_bytes(path, 8_000_000))
        words = ["python", "-m", f"lazyregime.{content['command']}", "-m", *map(str, content["overrides"])]
        told = clean_text(" ".join(map(shlex.quote, words)))
        return {str(name): told for name in content["runs"]}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}  # a damaged record only loses the command
