"""<group>/.sweeps/ID.json: a sweep's command and its runs, so that it can be asked for, and gives the command again.

What is read back may come from anybody: it is checked here, and `resubmission` decides what is obeyed.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lazyregime.app.compose.job import Job
from lazyregime.atomic import atomic_write, remove_leftovers_of_the_dead
from lazyregime.errors import LazyRegimeError
from lazyregime.runs.identity import folder_name

_FOLDER = ".sweeps"


@dataclass(frozen=True)
class SweepRecord:
    """One sweep, as far as its runs lie in one group."""

    command: str
    overrides: list[str]
    group: str
    runs: list[str]  # the names of their folders
    root: Path  # the folder of the group
    swept: list[str] = field(default_factory=list)  # keys that differ among the runs; a record before them has none
    id: str = ""

    @property
    def runs_dir(self) -> Path:
        """Above the group; the whole may have been moved."""
        return self.root.joinpath(*[".."] * len(self.group.split("/"))).resolve()


def record_sweep(command: str, overrides: Sequence[str], jobs: Sequence[Job]) -> None:
    """Write down a sweep in each of its groups; the same command writes the same file."""
    name = hashlib.sha256(json.dumps([command, *overrides]).encode()).hexdigest()[:8]
    for root in {job.folder.path.parent for job in jobs}:
        mine = [job for job in jobs if job.folder.path.parent == root]
        content = {
            "command": command,
            "overrides": list(overrides),
            "group": str(mine[0].config["group"]),
            "runs": [job.folder.path.name for job in mine],
            "swept": swept_keys([job.overrides for job in jobs]),
        }
        if (root / _FOLDER).is_symlink():
            raise LazyRegimeError(f"{root / _FOLDER} is a link, and nothing is written through one; take it away.")
        remove_leftovers_of_the_dead(root / _FOLDER)
        atomic_write(root / _FOLDER / f"{name}.json", json.dumps(content, indent=1) + "\n")


def recorded_sweeps(folder: Path, complain: Callable[[str], None]) -> list[SweepRecord]:
    """All sweeps whose groups lie in a folder, the oldest first; `complain` is told of records that say nothing."""
    found: list[tuple[float, SweepRecord]] = []
    for path in sweep_files(folder):
        try:
            found.append((path.stat().st_mtime, read_sweep(path)))
        except (OSError, ValueError, RecursionError) as error:  # a LazyRegimeError is a ValueError
            complain(
                f"{path} is passed over, as it is no record of a sweep ({error}); give that sweep's command again."
            )
    return [record for _, record in sorted(found, key=lambda pair: pair[0])]


def sweep_files(folder: Path) -> list[Path]:
    """The records in a folder, in order of name; what is inside of a run is not looked through."""
    found: list[Path] = []
    for here, folders, files in os.walk(folder):
        if _FOLDER in folders:
            found += (Path(here) / _FOLDER).glob("*.json")
        inside_a_run = "config.yaml" in files or "checkpoints" in folders
        folders[:] = [] if inside_a_run else [name for name in folders if name != _FOLDER]
    return sorted(found)


def records_beside(run: Path) -> list[tuple[Path, float]]:
    """The records in the group of a run with their times, the oldest first."""
    found: list[tuple[float, Path]] = []
    for path in (run.parent / _FOLDER).glob("*.json"):
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime, path))
    return [(path, when) for when, path in sorted(found)]


def read_sweep(path: Path) -> SweepRecord:
    """What a record says.

    Raises:
        LazyRegimeError: If it says nothing that a record says.
    """
    if not path.is_file():
        raise LazyRegimeError("it is no file")
    content: Any = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or set(content) - {"swept"} != {"command", "overrides", "group", "runs"}:
        raise LazyRegimeError("it does not hold command, overrides, group and runs")
    if not all(_are_words(words) for words in (content["overrides"], content["runs"], content.get("swept", []))):
        raise LazyRegimeError("its overrides and runs are not lists of words")
    if not _are_words([content["command"], content["group"]]):
        raise LazyRegimeError("its command and group are not words")
    root, parts = path.parent.parent, content["group"].split("/")
    if tuple(parts) != root.absolute().parts[-len(parts) :]:
        raise LazyRegimeError(f"it is of the group {content['group']!r}, and does not lie in it")
    for name in content["runs"]:
        folder_name(name, "run")
    return SweepRecord(**content, root=root, id=path.stem)


def swept_keys(jobs: Sequence[Sequence[str]]) -> list[str]:
    """The keys to which the overrides of several jobs give different values."""
    values: dict[str, set[str]] = {}
    for job in jobs:
        for key, _, value in (override.partition("=") for override in job):
            values.setdefault(key.lstrip("+"), set()).add(value)
    return [key for key, several in values.items() if len(several) > 1]


def _are_words(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
