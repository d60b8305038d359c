"""What has become of the runs in a folder: done, running, waiting, failed, or not begun; and the rest once more."""

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazyregime.app.api import COMMANDS
from lazyregime.app.console import Console
from lazyregime.app.door import open_door
from lazyregime.app.slurm.record import submission_of
from lazyregime.app.sweeps.record import SweepRecord, recorded_sweeps
from lazyregime.app.sweeps.resubmission import overrides_of
from lazyregime.errors import LazyRegimeError
from lazyregime.runs.folder import RunFolder, read_object
from lazyregime.runs.slurm_queue import QueuedJob, queue
from lazyregime.runs.status import Status

UNDER_WAY = (Status.complete, Status.running, Status.waiting)


@dataclass(frozen=True)
class RunState:
    """One row of the table."""

    folder: RunFolder
    status: Status
    job: str
    host: str
    epochs: str
    seen: str  # since its writer last said that it lives; of a run under way
    reason: str  # why it waits, in SLURM's word
    note: str  # why there is no result, and where to read more


def show_status(folder: Path, console: Console) -> None:
    """Print the table and what it adds up to.

    Raises:
        LazyRegimeError: If there is no run and no sweep in the folder.
    """
    states = states_of(folder, console)
    columns = ["run", "status", "job", "host", "epochs", "reason"]
    rows = [[s.folder.path.name, s.status, s.job, s.host, s.epochs, s.reason] for s in states]
    if any(s.seen for s in states):
        columns, rows = [*columns, "sign of life"], [[*row, s.seen] for row, s in zip(rows, states, strict=True)]
    console.table(columns, rows)
    for state in states:
        if state.note:
            console.say(f"\n{state.folder.path.name} {state.status}: {state.note}")
    counts = {status: sum(s.status == status for s in states) for status in dict.fromkeys(s.status for s in states)}
    console.say(f"\n{len(states)} runs: {', '.join(f'{count} {status}' for status, count in counts.items())}")
    if any(s.status not in UNDER_WAY for s in states):
        console.say(f"Next:   python -m lazyregime.sweeps resubmit {folder}")


def resubmit(folder: Path, console: Console, given: Sequence[str] = ()) -> int:
    """Give again the command of every sweep with runs that are neither done nor under way.

    Returns 1 if some fail again, 2 if one cannot be.

    Args:
        folder: runs/GROUP, or a folder above it.
        console: Shows each command before it is given.
        given: Overrides beside those of the records: what a record may not say (docs/slurm.md), such as `data_dir=`.

    A record that asks for what no record may ask for is said so, counts as failed, and the other sweeps go on.

    Raises:
        LazyRegimeError: If there is no run and no sweep in the folder.
    """
    done = {state.folder.path.absolute() for state in states_of(folder, console) if _is_settled(state)}
    code, count = 0, 0
    for sweep in recorded_sweeps(folder, lambda _: None):  # `states_of` has told of those that cannot be read
        left = [name for name in sweep.runs if (sweep.root / name).absolute() not in done]
        if not left:
            continue
        count += 1
        try:
            overrides, unsaid = _what_it_asks_for(sweep, given)
        except LazyRegimeError as error:
            console.error(str(error))
            code = 2
            continue
        told = shlex.join([f"lazyregime.{sweep.command}", "-m", *overrides])
        console.say(f"{len(left)} of {len(sweep.runs)} runs: python -m {told}")
        for override in unsaid:
            console.warn(f"{override} of the sweep's own command is not taken from a folder; give it here if it holds.")
        try:
            open_door(COMMANDS[sweep.command], ["-m", *overrides])
        except SystemExit as end:
            code = code or int(end.code or 0)
    if not count:
        console.say("Nothing is left to do: every run of the sweeps here is complete or under way.")
    return code


def _what_it_asks_for(sweep: SweepRecord, given: Sequence[str]) -> tuple[list[str], list[str]]:
    if sweep.command not in COMMANDS:
        raise LazyRegimeError(f"{sweep.root} has a sweep of {sweep.command!r}, which is no command of lazyregime.")
    return overrides_of(sweep, COMMANDS[sweep.command], given)


def _is_settled(state: RunState) -> bool:
    """Whether nothing is to be done: a complete run is computed anew where a file of it is damaged."""
    return state.status in UNDER_WAY and not (state.status == Status.complete and state.folder.damaged_files())


def states_of(folder: Path, console: Console) -> list[RunState]:
    """Of every run in the folder and every run that a sweep in it was to make.

    Raises:
        LazyRegimeError: If there is none.
    """
    paths = dict.fromkeys(sweep.root / name for sweep in recorded_sweeps(folder, console.warn) for name in sweep.runs)
    paths |= dict.fromkeys(path.parent for path in sorted(folder.rglob("config.yaml")))
    if not paths:
        raise LazyRegimeError(f"There is neither a run nor a sweep in {folder}; give runs/GROUP, or a folder above it.")
    in_queue = queue() or {}
    return [state_of(RunFolder.named(path), in_queue) for path in paths]


def state_of(folder: RunFolder, in_queue: Mapping[str, QueuedJob]) -> RunState:
    """Of one run, begun or not."""
    submission, status = submission_of(folder), folder.status()
    queued = in_queue.get(submission.job) if submission is not None else None
    if queued is not None and status != Status.complete:
        status = Status.waiting if queued.waits else Status.running
    failure = read_object(folder.failure) if status == Status.failed else {}
    holder = read_object(folder.lock) if status == Status.running else {}
    result = read_object(folder.result)
    host = failure.get("host") or holder.get("host") or (queued.nodes if queued else "") or result.get("host") or ""
    return RunState(
        folder,
        status,
        submission.job if submission is not None else "",
        host,
        _epochs(folder),
        _seen(folder) if status == Status.running else "",
        queued.reason if queued is not None and status == Status.waiting else "",
        _note(folder, status, failure, submission.log if submission is not None else ""),
    )


def _note(folder: RunFolder, status: Status, failure: Mapping[str, Any], log: str) -> str:
    where = f"\n  log        {log}" if log else ""
    if status == Status.failed:
        message = " ".join(str(failure.get("message", "")).split())
        return f"{failure.get('error')}: {message}{where}\n  traceback  {folder.failure}"
    return f"see{where}" if where and status in (Status.interrupted, Status.not_started) else ""


def _seen(folder: RunFolder) -> str:
    """How long ago: the writer touches its lock every half a minute."""
    try:
        return f"{max(0.0, time.time() - folder.lock.stat().st_mtime):.0f} s ago"
    except OSError:  # not begun (a job that SLURM calls running), or just over
        return ""


def _epochs(folder: RunFolder) -> str:
    if not folder.metrics.is_file():  # a pipe would be waited for
        return ""
    try:
        lines = folder.metrics.read_bytes().splitlines()  # of damaged ones, too
    except OSError:
        return ""
    return str(max(0, len(lines) - 2))  # the columns, and the row before the first epoch
