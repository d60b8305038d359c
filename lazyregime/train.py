"""python -m lazyregime.train: train networks in a regime and probe their kernels; -m sweeps."""

import sys
from collections.abc import Sequence
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from lazyregime.app import schema
from lazyregime.app.config import conf_dir, plain, sweep_jobs
from lazyregime.app.console import Console
from lazyregime.app.execute import execute
from lazyregime.app.hints import ConfigError
from lazyregime.app.plan import plan_jobs, show_outcome, show_plan
from lazyregime.errors import LazyRegimeError

WRONG, FAILED, INTERRUPTED = 2, 1, 130  # exit codes


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; exits with 0, 1 if a run failed, 2 if the command cannot be."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    schema.register()
    options = get_args_parser().parse_args(arguments)
    sys.argv[1:] = arguments
    if options.help or options.hydra_help or options.cfg or options.info or options.shell_completion:
        _hydra_main()
        return
    console = Console()
    try:
        sys.exit(_sweep(console, options.overrides) if options.multirun else _single(console, options.overrides))
    except ConfigError as error:
        console.error(str(error))
        sys.exit(WRONG)
    except LazyRegimeError as error:
        console.error(str(error))
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _single(console: Console, overrides: list[str]) -> int:
    (job,) = plan_jobs([overrides])
    _hydra_main()
    console.say(f"Next:   python -m lazyregime.report {job.folder.path.parent}")
    return 0


def _sweep(console: Console, overrides: list[str]) -> int:
    jobs = plan_jobs(sweep_jobs(overrides))
    show_plan(console, jobs)
    _hydra_main()
    return FAILED if show_outcome(console, jobs) else 0


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
def _hydra_main(config: DictConfig) -> dict[str, Any] | None:
    """One job, in this process or wherever the launcher starts it."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    console = Console()
    if HydraConfig.get().mode != RunMode.MULTIRUN:
        try:
            return execute(plain(config), console)
        except LazyRegimeError as error:  # Hydra would print a traceback
            console.error(str(error))
            sys.exit(FAILED)
    hydra_config = HydraConfig.get()
    console.say(f"\nJob {hydra_config.job.num + 1}: {' '.join(hydra_config.overrides.task)}")
    try:
        return execute(plain(config), console)
    except LazyRegimeError as error:  # the other jobs go on; the outcome is read from the run folders
        console.error(str(error))
        return None


if __name__ == "__main__":
    main()
