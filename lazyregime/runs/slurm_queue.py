"""What SLURM says of this user's jobs: squeue and scancel. No accounting database is needed."""

import getpass
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

_ANSWER_SECONDS = 60


@dataclass(frozen=True)
class QueuedJob:
    """A job that is waiting, running or ending."""

    job: str  # 14, or 14_0 in an array
    state: str
    reason: str
    nodes: str

    @property
    def waits(self) -> bool:
        """Whether it has yet to start, for the first time or again."""
        return self.state in ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT")


def queue() -> dict[str, QueuedJob] | None:
    """This user's jobs by id; None where squeue does not answer, from which nothing follows."""
    lines = _ask("squeue", "-h", "-r", "-u", getpass.getuser(), "-o", "%i|%T|%r|%N")
    if lines is None:
        return None
    jobs = [QueuedJob(*line.split("|", 3)) for line in lines if line.count("|") >= 3]
    return {job.job: job for job in jobs}


def state_of(job: str) -> str | None:
    """The state of one job, "" if SLURM has it no more; None where squeue does not answer."""
    lines = _ask("squeue", "-h", "-j", job, "-o", "%T", unknown="Invalid job id")
    return None if lines is None else (lines or [""])[0]


def cancel(jobs: Sequence[str]) -> bool:
    """End these jobs and no others; whether SLURM has accepted that."""
    return _ask("scancel", *jobs) is not None


def _ask(*command: str, unknown: str | None = None) -> list[str] | None:
    """The lines that the command prints; None if it fails, but for the complaint `unknown`."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return [] if unknown is not None and unknown in done.stderr else None
    return done.stdout.split("\n")[:-1]
