"""Waiting for jobs: a job is over when its run has a result, or when SLURM does not know it any more."""

import time
from collections.abc import Mapping

from lazyregime.app.console import Console
from lazyregime.app.slurm.record import Submission
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.slurm_queue import queue
from lazyregime.runs.status import Status

_FIRST_LOOK_SECONDS, _LONGEST_SECONDS, _GROWTH = 1.0, 15.0, 1.1  # a tenth of the time waited so far
_GONE_SECONDS = 10.0  # a shared file system shows a result a little later than squeue the end of its job

Waiting = Mapping[str, tuple[RunFolder, Submission]]


def wait_for(runs: Waiting, console: Console) -> None:
    """Return when every job is over; say of each how it ended.

    Args:
        runs: By the path of the run's folder: the run, and the job that computes it.
        console: Gets a line for each run.
    """
    left, missing_since, pause = dict(runs), dict[str, float](), _FIRST_LOOK_SECONDS
    while left:
        time.sleep(pause)
        pause = min(_LONGEST_SECONDS, pause * _GROWTH)
        found = queue()
        for key, (folder, submission) in list(left.items()):
            if folder.status() == Status.complete:
                verdict = str(Status.complete)
            elif found is None or submission.job in found:
                missing_since.pop(key, None)
                continue
            elif time.monotonic() - missing_since.setdefault(key, time.monotonic()) < _GONE_SECONDS:
                continue
            else:
                verdict = f"{folder.status()}; job {submission.job} is over, its log is {submission.log}"
            del left[key]
            console.say(f"[{len(runs) - len(left)}/{len(runs)}] {folder.name}: {verdict}")
