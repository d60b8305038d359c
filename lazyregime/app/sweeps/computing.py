"""The runs of a sweep in this process: together where that is faster, and the rest one after the other."""

from collections.abc import Sequence

from lazyregime.app.command import AbstractCommand
from lazyregime.app.compose.job import Job
from lazyregime.app.console import Console
from lazyregime.app.execute import execute
from lazyregime.errors import LazyRegimeError


def compute_here(command: AbstractCommand, console: Console, jobs: Sequence[Job]) -> None:
    """Compute them; one that fails says so, and the others go on."""
    command.compute_together(jobs, console)
    for number, job in enumerate(jobs, start=1):
        console.say(f"\nJob {number}: {' '.join(job.overrides)}")
        try:
            execute(command, job.config, console)
        except LazyRegimeError as error:
            console.error(str(error))


def tell_notes(console: Console, jobs: Sequence[Job]) -> None:
    """Each once, of however many jobs."""
    for note in dict.fromkeys(note for job in jobs for note in job.notes):
        console.warn(note)
