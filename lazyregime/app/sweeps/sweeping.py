"""The command line's -m for notebooks: `sweep(regime="scaled", laziness=[0.1, 10], seed=range(3))`, a table of runs."""

from typing import Any, Literal

import pandas as pd

from lazyregime.app.api import check_processes, opened, words
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.plan import check_memory, plan_jobs
from lazyregime.app.compose.quoting import as_sweep
from lazyregime.app.console import Console
from lazyregime.app.rerun import ask_for_reruns
from lazyregime.app.sweeps.computing import compute_here, tell_notes
from lazyregime.app.sweeps.record import record_sweep
from lazyregime.reports import load_runs


def sweep(
    *overrides: str,
    command: Literal["train", "fit", "flow"] = "train",
    network: Any = None,
    data: Any = None,
    quiet: bool = False,
    **settings: Any,
) -> pd.DataFrame:
    """Do what `python -m lazyregime.train -m OVERRIDES` does in this process; the runs as `load_runs` reads them.

    Every run is checked before the first starts, what is complete is not repeated, and a run that fails does not keep
    the others from running: its row says `failed` and why.

    Args:
        overrides: As on the command line, `"regime=lazy,feature", "width=256"`.
        command: Of which command.
        network: As in `run`.
        data: As in `run`.
        quiet: Print nothing.
        settings: Overrides as keywords. A list is swept over, `laziness=[0.1, 10], seed=range(3)`; a setting that is
            itself a list is given as a list of lists, `ridges=[[0.1, 1.0]]`.

    Returns:
        A row for each run, in the order of the sweep: the last keyword changes fastest.

    Raises:
        LazyRegimeError: If a configuration cannot be.
    """
    with opened(command, network, data, settings) as (door, stand_ins, settings):
        asked = [*stand_ins, *words(overrides), *as_sweep(settings)]
        swept = door.source.sweep(asked)
        if not swept.is_here:
            raise ConfigError(
                f"hydra/launcher={swept.launcher} starts other processes, which sweep() does not; give the command "
                f"python -m lazyregime.{command} -m, or leave the launcher out."
            )
        jobs = plan_jobs(door, swept.jobs)
        for job in jobs:
            check_processes(job.config)
        check_memory(door, jobs)
        ask_for_reruns(jobs)
        if not stand_ins:  # what was handed over is not there when `sweeps resubmit` gives the command again
            record_sweep(command, asked, jobs)
        console = Console(quiet=quiet)
        tell_notes(console, jobs)
        compute_here(door, console, jobs)
    return load_runs([job.folder.path for job in jobs])
