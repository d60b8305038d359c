"""The command line of every command: parse, check every job, compute, tell; -m sweeps.

A run, and a sweep in this process, are computed from the very configurations that were planned. Hydra itself starts
the jobs of other launchers, and answers --help, --cfg and the like.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import hydra
from omegaconf import DictConfig

from lazyregime.app.command import AbstractCommand
from lazyregime.app.compose.command_line import read_command_line
from lazyregime.app.compose.config import Sweep
from lazyregime.app.compose.devices import num_processes
from lazyregime.app.compose.fetched import fetching_is_told
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.job import Job
from lazyregime.app.compose.own import put_working_directory_on_path
from lazyregime.app.compose.plan import check_memory, plan_jobs
from lazyregime.app.compose.resources import conf_dir
from lazyregime.app.console import Console, answering, outlive_the_terminal
from lazyregime.app.execute import execute
from lazyregime.app.rerun import ask_for_reruns
from lazyregime.app.sweeps.computing import compute_here, tell_notes
from lazyregime.app.sweeps.launchers import check_launcher
from lazyregime.app.sweeps.outcome import show_outcome, show_plan
from lazyregime.app.sweeps.record import record_sweep
from lazyregime.errors import LazyRegimeError
from lazyregime.ranks import forget_what_is_no_rank, is_first_process, settle_ranks
from lazyregime.runs.result import Result


def open_door(command: AbstractCommand, argv: Sequence[str] | None = None) -> None:
    """Do what the command line asks for; exits with 0, 1 if a run failed, 2 if the command cannot be."""
    with answering(ConfigError):
        outlive_the_terminal()
        forget_what_is_no_rank()
        put_working_directory_on_path()
        line = read_command_line(sys.argv[1:] if argv is None else argv)
        sys.argv[1:] = line.arguments  # Hydra, and Lightning where it starts further processes, read them there
        command.source.register()
        if line.asks_about:
            if line.overrides and not (line.is_sweep or line.completes):
                command.source.compose_job(line.overrides)  # says in a sentence what Hydra would say in a traceback
            _hydra_main(command)()
            return
        console = Console(quiet=not is_first_process())
        console.explains = line.explains
        start = _sweep if line.is_sweep else _single
        with fetching_is_told(console.say):
            sys.exit(start(command, console, line.overrides))


def _single(command: AbstractCommand, console: Console, overrides: list[str]) -> int:
    asked = any(override.startswith("hydra/launcher=") for override in overrides)  # composed only then: it takes time
    launcher = command.source.sweep(overrides).launcher if asked else "basic"
    (job,) = plan_jobs(command, [overrides])
    check_launcher(launcher, [job.config], is_sweep=False)
    console = _settled(command, console, [job])
    tell_notes(console, [job])
    ask_for_reruns([job])
    execute(command, job.config, console)
    console.say(f"Next:   python -m lazyregime.report {job.folder.path.parent}")
    return 0


def _sweep(command: AbstractCommand, console: Console, overrides: list[str]) -> int:
    sweep = command.source.sweep(overrides)
    jobs = plan_jobs(command, sweep.jobs)
    check_launcher(sweep.launcher, [job.config for job in jobs], is_sweep=True)
    _check_names(sweep, jobs)
    if sweep.is_here:
        console = _settled(command, console, jobs)
    tell_notes(console, jobs)
    ask_for_reruns(jobs)
    record_sweep(command.source.command, overrides, jobs)
    show_plan(command, console, jobs)
    if sweep.is_here:
        compute_here(command, console, jobs)
    else:
        _hydra_main(command)()
    return 1 if show_outcome(command, console, jobs) else 0


def _settled(command: AbstractCommand, console: Console, jobs: Sequence[Job]) -> Console:
    """What is computed here can be; the console speaks where this process turns out to be no part of another's run."""
    settle_ranks(max((num_processes(job.config) for job in jobs), default=1))
    check_memory(command, jobs)
    if not (console.quiet and is_first_process()):
        return console
    speaking = Console()
    speaking.explains = console.explains
    return speaking


def _check_names(sweep: Sweep, jobs: Sequence[Job]) -> None:
    """A job that another process composes again must get the same name there."""
    if not sweep.is_here and any("${now:" in override for job in jobs for override in job.overrides):
        raise ConfigError(
            f"${{now:..}} is another word in each process of hydra/launcher={sweep.launcher}; give a name without it."
        )


def _hydra_main(command: AbstractCommand) -> Callable[[], Any]:
    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=command.source.command)
    def main(config: DictConfig) -> Result | None:
        return _job(command, config)

    return main


def _job(command: AbstractCommand, config: DictConfig) -> Result | None:
    """One job of a sweep, wherever the launcher starts it."""
    from hydra.core.hydra_config import HydraConfig

    put_working_directory_on_path()
    console, hydra_config = Console(quiet=not is_first_process()), HydraConfig.get()
    console.say(f"\nJob {hydra_config.job.num + 1}: {' '.join(hydra_config.overrides.task)}")
    try:
        return execute(command, command.complete(command.source.plain(config)), console)
    except LazyRegimeError as error:  # Hydra would print a traceback
        console.error(str(error))
        return None  # the other jobs go on; the outcome is read from the run folders
