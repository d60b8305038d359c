"""The command line of every command: parse, check every job, compute, tell; -m sweeps."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from lazyregime.app.command import AbstractCommand, Result
from lazyregime.app.compose.config import conf_dir
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.plan import plan_jobs, show_outcome, show_plan
from lazyregime.app.console import Console, open_standard_streams
from lazyregime.app.execute import execute
from lazyregime.app.rerun import ask_for_reruns
from lazyregime.app.sweeps.launchers import check_launcher
from lazyregime.app.sweeps.record import record_sweep
from lazyregime.errors import LazyRegimeError, refused_by_the_system
from lazyregime.ranks import is_first_process

WRONG, FAILED, INTERRUPTED = 2, 1, 130  # exit codes


def open_door(command: AbstractCommand, argv: Sequence[str] | None = None) -> None:
    """Do what the command line asks for; exits with 0, 1 if a run failed, 2 if the command cannot be."""
    open_standard_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    command.source.register()
    options = get_args_parser().parse_args(arguments)
    sys.argv[1:] = arguments
    if options.help or options.hydra_help or options.cfg or options.info or options.shell_completion:
        _hydra_main(command)()
        return
    console = Console(quiet=not is_first_process())
    start = _sweep if options.multirun else _single
    try:
        sys.exit(start(command, console, options.overrides))
    except ConfigError as error:
        console.error(str(error))
        sys.exit(WRONG)
    except LazyRegimeError as error:
        console.error(str(error))
        sys.exit(FAILED)
    except OSError as error:
        console.error(str(refused_by_the_system(error)))
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _single(command: AbstractCommand, console: Console, overrides: list[str]) -> int:
    (job,) = plan_jobs(command, [overrides])
    ask_for_reruns([job])
    check_launcher(command.source, overrides, [job.config], is_sweep=False)
    _hydra_main(command)()
    console.say(f"Next:   python -m lazyregime.report {job.folder.path.parent}")
    return 0


def _sweep(command: AbstractCommand, console: Console, overrides: list[str]) -> int:
    jobs = plan_jobs(command, command.source.sweep_jobs(overrides))
    check_launcher(command.source, overrides, [job.config for job in jobs], is_sweep=True)
    ask_for_reruns(jobs)
    record_sweep(command.source.command, overrides, jobs)
    show_plan(command, console, jobs)
    if not any(override.startswith("hydra/launcher=") for override in overrides):  # else the jobs run elsewhere
        command.compute_together(jobs, console)
    _hydra_main(command)()
    return FAILED if show_outcome(command, console, jobs) else 0


def _hydra_main(command: AbstractCommand) -> Callable[[], Any]:
    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=command.source.command)
    def main(config: DictConfig) -> Result | None:
        return _job(command, config)

    return main


def _job(command: AbstractCommand, config: DictConfig) -> Result | None:
    """One job, in this process or wherever the launcher starts it."""
    console, hydra_config = Console(quiet=not is_first_process()), HydraConfig.get()
    is_sweep = hydra_config.mode == RunMode.MULTIRUN
    if is_sweep:
        console.say(f"\nJob {hydra_config.job.num + 1}: {' '.join(hydra_config.overrides.task)}")
    try:
        return execute(command, command.source.plain(config), console)
    except LazyRegimeError as error:  # Hydra would print a traceback
        console.error(str(error))
        if is_sweep:  # the other jobs go on; the outcome is read from the run folders
            return None
        sys.exit(FAILED)
