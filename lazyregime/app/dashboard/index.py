"""Which runs there are, and what is new of them: a run is read again only where a file of it has changed.

Files tell by their times and sizes that they have changed; who holds a lock is asked each time, since a process that is
killed changes nothing. What takes long is done in parts, the youngest runs first, so that a page is there at once.
"""

import os
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lazyregime.app.dashboard.rows import row_of
from lazyregime.app.sweeps.record import SweepRecord, read_sweep, sweep_files
from lazyregime.reports.reading.folder import find_runs
from lazyregime.runs.lock import holder
from lazyregime.runs.slurm_queue import QueuedJob, queue

FILES = frozenset({"result.json", "failure.json", "config.yaml", "metrics.csv", "lock", "rerun", "slurm.json"})
LOOK_SECONDS = 0.5  # between two looks at the folders
READ_SECONDS = 1.0  # of reading in one look
QUEUE_SECONDS = 15.0  # between two questions to SLURM

Stamp = tuple[object, ...]


@dataclass
class _Kept:
    """A run as it was read."""

    stamp: Stamp
    row: dict[str, Any]
    version: int


@dataclass
class _Sweeps:
    """The records of sweeps as they were read."""

    stamp: Stamp = ()
    records: list[SweepRecord] = field(default_factory=list)


class RunIndex:
    """The runs in a folder, for any number of readers; an id is a run's path below the folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.token = secrets.token_hex(4)  # versions of another index are none of this
        self._kept: dict[str, _Kept] = {}
        self._gone: dict[str, int] = {}
        self._version = self._unread = 0
        self._looked = self._asked = -1e9
        self._queue: Mapping[str, QueuedJob] = {}
        self._sweeps = _Sweeps()
        self._lock = threading.Lock()

    def since(self, version: int, token: str) -> dict[str, Any]:
        """The rows that are newer than a version of this index, those that are gone, and how many are yet unread."""
        with self._lock:
            self._look()
            known = version if token == self.token else -1
            return {
                "root": str(self.root),
                "token": self.token,
                "version": self._version,
                "now": time.time(),
                "unread": self._unread,
                "whole": known < 0,
                "rows": [kept.row for kept in self._kept.values() if kept.version > known],
                "gone": [name for name, when in self._gone.items() if when > known >= 0],
            }

    def path(self, name: str) -> Path | None:
        """The folder of a run that was found; None for any other name."""
        with self._lock:
            return self.root / name if name in self._kept else None

    def row(self, name: str) -> dict[str, Any]:
        """A run that was found, as the table has it."""
        with self._lock:
            return self._kept[name].row

    def _look(self) -> None:
        if time.monotonic() - self._looked < LOOK_SECONDS and not self._unread:
            return
        self._ask_queue()
        stamps = self._stamps()
        self._version += 1
        for name in set(self._kept) - set(stamps):
            del self._kept[name]
            self._gone[name] = self._version
        new = [name for name, stamp in stamps.items() if name not in self._kept or self._kept[name].stamp != stamp]
        new.sort(key=lambda name: _age(stamps[name]), reverse=True)
        self._unread = len(new) - self._read(new, stamps)
        self._looked = time.monotonic()

    def _read(self, names: Iterable[str], stamps: Mapping[str, Stamp]) -> int:
        """Read as many as there is time for; how many."""
        count, until = 0, time.monotonic() + READ_SECONDS
        sweeps = {str(_below(self.root, s.root / run)): s for s in self._sweeps.records for run in s.runs}
        for name in names:
            row = row_of(self.root, name, self._queue, sweeps.get(name)) | {"changed": _age(stamps[name])}
            self._kept[name] = _Kept(stamps[name], row, self._version)
            self._gone.pop(name, None)
            count += 1
            if time.monotonic() > until:
                break
        return count

    def _stamps(self) -> dict[str, Stamp]:
        """By name, what tells that a run has changed."""
        self._read_sweeps()
        begun = [str(_below(self.root, path)) for path in find_runs(self.root)]
        to_be = [str(_below(self.root, s.root / run)) for s in self._sweeps.records for run in s.runs]
        return {name: self._stamp(name) for name in dict.fromkeys([*begun, *to_be])}

    def _stamp(self, name: str) -> Stamp:
        folder = self.root / name
        found: list[tuple[str, int, int, int]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name in FILES:
                        told = entry.stat(follow_symlinks=False)
                        found.append((entry.name, told.st_mtime_ns, told.st_size, told.st_ino))
        except OSError:
            pass  # not begun, or gone meanwhile
        held = any(file == "lock" for file, *_ in found) and holder(folder / "lock") is not None
        job = self._kept[name].row["job"] if name in self._kept else ""
        return (tuple(sorted(found)), held, self._queue.get(job))

    def _read_sweeps(self) -> None:
        files = list(sweep_files(self.root))
        stamp = tuple((path, _mtime(path)) for path in files)
        if stamp == self._sweeps.stamp:
            return
        records: list[SweepRecord] = []
        for path in files:
            try:
                records.append(read_sweep(path))
            except (OSError, ValueError, RecursionError):  # `sweeps status` tells of it; a LazyRegimeError is one
                continue
        self._sweeps = _Sweeps(stamp, records)

    def _ask_queue(self) -> None:
        if time.monotonic() - self._asked > QUEUE_SECONDS:
            self._queue = queue() or {}
            self._asked = time.monotonic()


def _below(root: Path, path: Path) -> Path:
    return path.relative_to(root)


def _mtime(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _age(stamp: Stamp) -> float:
    """When a run last gave a sign of life, in seconds since 1970; 0 for one that has not begun."""
    files = stamp[0]
    assert isinstance(files, tuple)
    return max((when / 1e9 for _, when, _, _ in files), default=0.0)
