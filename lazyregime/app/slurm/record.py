"""slurm.json in a run's folder: which job was to compute it, and where that job's log is."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from lazyregime.atomic import atomic_write
from lazyregime.runs.clock import utc_now
from lazyregime.runs.folder import RunFolder


@dataclass(frozen=True)
class Submission:
    """Of one run to SLURM."""

    job: str
    log: str
    time: str

    @staticmethod
    def now(job: str, log: Path) -> "Submission":
        """One that has just been made."""
        return Submission(job, str(log), utc_now())

    def write(self, folder: RunFolder) -> None:
        """Put it in the run's folder."""
        atomic_write(_path(folder), json.dumps(asdict(self), indent=1) + "\n")


def submission_of(folder: RunFolder) -> Submission | None:
    """The latest submission of a run; None if it was never given to SLURM."""
    try:
        return Submission(**json.loads(_path(folder).read_text()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _path(folder: RunFolder) -> Path:
    return folder.path / "slurm.json"
