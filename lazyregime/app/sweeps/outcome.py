"""What a sweep is going to do, and what has become of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from lazyregime.app.called import called_in
from lazyregime.app.command import AbstractCommand
from lazyregime.app.compose.job import Job
from lazyregime.app.console import Console
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.status import Status


def show_plan(command: AbstractCommand, console: Console, jobs: Sequence[Job]) -> None:
    """How many runs, how many are done already, and what the largest needs."""
    done = sum(job.folder.status() == Status.complete for job in jobs)
    largest = max(jobs, key=lambda job: job.size)
    console.say(f"{len(jobs)} runs, {done} of them complete already, {len(jobs) - done} to do; the largest:")
    console.say(f"  {largest.folder.name}: {command.demand(largest.config, largest.size)}")


def show_outcome(command: AbstractCommand, console: Console, jobs: Sequence[Job]) -> int:
    """What became of every job, as a table; the number of those without a result."""
    folders = [job.folder for job in jobs]
    states = [folder.status() for folder in folders]
    results = [_result(folder, status) for folder, status in zip(folders, states, strict=True)]
    told = [headline for headline in command.headlines if any(r.get(headline[1]) is not None for r in results)]
    words, key = (told or command.headlines)[0]
    rows = []
    for job, status, result in zip(jobs, states, results, strict=True):
        value, name = result.get(key), called_in(command, job.config, job.folder).name
        rows.append((name, status, None if value is None else f"{value:.4f}", str(job.folder.path)))
    console.say()
    console.table(["run", "status", words, "folder"], rows, title="The sweep")
    missing = sum(status != Status.complete for status in states)
    groups = sorted({str(folder.path.parent) for folder in folders})
    if missing:
        console.say(f"{missing} of {len(jobs)} runs have no result; the same command computes only those.")
    console.say(f"Next:   python -m lazyregime.report {' '.join(groups)}")
    return missing


def _result(folder: RunFolder, status: Status) -> Mapping[str, Any]:
    return folder.read_result() if status == Status.complete else {}
