"""Ctrl-C while a sweep runs on SLURM: its jobs go on, unless the user wants them cancelled."""

import sys
from collections.abc import Sequence

from lazyregime.app.console import Console
from lazyregime.runs.slurm_queue import cancel, queue


def after_interrupt(jobs: Sequence[str], console: Console) -> None:
    """Say what goes on, how to come back to it and how to end it; on a terminal, offer to end it now."""
    in_queue = queue()
    left = sorted({job for job in jobs if in_queue is None or job in in_queue}, key=_by_number)
    if not left:
        return
    console.say(
        f"\nThe {len(left)} jobs of this sweep go on without this command. To come back to them, give the same command "
        f"again; to end them:\n  scancel {' '.join(left)}"
    )
    if sys.stdin is None or not sys.stdin.isatty():
        return
    try:
        answer = input("End them now? [y/N] ")
    except (EOFError, KeyboardInterrupt):
        return
    if answer.strip().lower() in ("y", "yes"):
        ended = cancel(left)
        console.say("They are cancelled; what they have saved stays." if ended else "scancel failed; try it yourself.")


def _by_number(job: str) -> list[int]:
    return [int(part) for part in job.split("_") if part.isdigit()]
