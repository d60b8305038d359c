"""A sweep on SLURM: what is complete is left out, what is in the queue already is waited for, the rest is submitted."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazyregime.app.console import Console
from lazyregime.app.slurm.interrupt import after_interrupt
from lazyregime.app.slurm.record import Submission, submission_of
from lazyregime.app.slurm.wait import wait_for
from lazyregime.errors import LazyRegimeError
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.slurm_queue import queue
from lazyregime.runs.status import Status


@dataclass(frozen=True)
class SweepJob:
    """One run of the sweep: its overrides, its number, its folder, and what it asks of SLURM."""

    overrides: Sequence[str]
    number: int
    folder: RunFolder
    resources: Mapping[str, Any]


# Submits some jobs that ask for the same, several to an allocation; the SLURM job and the log of each.
Submit = Callable[[Sequence[SweepJob]], Sequence[tuple[str, Path]]]


def run_sweep(jobs: Sequence[SweepJob], submit: Submit, console: Console) -> None:
    """Submit what has to be, and wait for all.

    Raises:
        LazyRegimeError: If SLURM does not answer: what is running already could not be known.
    """
    in_queue = queue()
    if in_queue is None:
        raise LazyRegimeError("squeue does not answer, so nothing was submitted; try again when SLURM does.")
    waiting: dict[str, tuple[RunFolder, Submission]] = {}
    to_do: list[SweepJob] = []
    for job in jobs:
        earlier = submission_of(job.folder)
        if earlier is not None and earlier.job in in_queue:
            waiting[str(job.folder.path)] = (job.folder, earlier)
        elif job.folder.status() != Status.complete:
            to_do.append(job)
    if waiting:
        console.say(f"{len(waiting)} runs are in the queue already; waiting for them.")
    try:
        for alike in _groups(to_do):
            for job, (name, log) in zip(alike, submit(alike), strict=True):
                submission = Submission.now(name, log)
                submission.write(job.folder)
                waiting[str(job.folder.path)] = (job.folder, submission)
            console.say(f"Submitted {len(alike)} runs: {_told(alike[0].resources)}")
        wait_for(waiting, console)
    except KeyboardInterrupt:
        after_interrupt([submission.job for _, submission in waiting.values()], console)
        raise


def _groups(jobs: Sequence[SweepJob]) -> list[list[SweepJob]]:
    """The jobs by what they ask for: an array job has one request."""
    groups: dict[str, list[SweepJob]] = {}
    for job in jobs:
        groups.setdefault(json.dumps(job.resources, sort_keys=True, default=str), []).append(job)
    return list(groups.values())


def _told(resources: Mapping[str, Any]) -> str:
    names = ("nodes", "tasks_per_node", "gpus_per_node", "cpus_per_task", "mem_gb", "timeout_min", "partition")
    return ", ".join(f"{name} {resources[name]}" for name in names if resources.get(name) is not None)
