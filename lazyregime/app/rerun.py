"""rerun=true: runs are asked to be computed anew, once; the same command again finishes what it began.

A run that is asked carries a mark until it is complete again, so that nothing depends on who computes it, or how
often that is interrupted. The marks of a sweep are many files: a list of them is written first and taken away last, so
that a crash in between leaves neither half of the sweep unasked nor any run asked twice.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from lazyregime.app.compose.job import Job
from lazyregime.atomic import atomic_write
from lazyregime.runs.folder import RunFolder, read_object

_INTENT = Path(".sweeps") / "rerun.json"


def ask_for_reruns(jobs: Sequence[Job]) -> None:
    """Mark the runs of the jobs that say rerun=true, unless some carry a mark of an earlier command already."""
    wanted = [job.folder for job in jobs if job.config["rerun"]]
    for root in dict.fromkeys(folder.path.parent for folder in wanted):
        mine = [folder for folder in wanted if folder.path.parent == root]
        left = {str(name) for name in read_object(root / _INTENT).get("runs") or ()}
        asked = [folder for folder in mine if folder.path.name in left]
        if not asked and not any(folder.is_asked_again for folder in mine):
            asked = mine
        _ask(root, asked)


def _ask(root: Path, folders: Sequence[RunFolder]) -> None:
    if len(folders) > 1:
        atomic_write(root / _INTENT, json.dumps({"runs": [folder.path.name for folder in folders]}) + "\n")
    for folder in folders:
        folder.ask_again()
    (root / _INTENT).unlink(missing_ok=True)
