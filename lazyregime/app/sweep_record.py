"""<group>/.sweeps/ID.json: a sweep's command and its runs, so that it can be asked for, and gives the command again."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lazyregime.app.atomic import atomic_write
from lazyregime.app.plan import Job

_FOLDER = ".sweeps"


@dataclass(frozen=True)
class SweepRecord:
    """One sweep, as far as its runs lie in one group."""

    command: str
    overrides: list[str]
    group: str
    runs: list[str]  # the names of their folders
    root: Path  # the folder of the group

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
        }
        atomic_write(root / _FOLDER / f"{name}.json", json.dumps(content, indent=1) + "\n")


def recorded_sweeps(folder: Path) -> list[SweepRecord]:
    """All sweeps whose groups lie in a folder, the oldest first."""
    paths = sorted(folder.rglob(f"{_FOLDER}/*.json"), key=lambda path: path.stat().st_mtime)
    return [SweepRecord(**json.loads(path.read_text()), root=path.parent.parent) for path in paths]
