"""What is typed behind a command: Hydra's options, those of them that mean something here, and overrides."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from hydra._internal.utils import get_args_parser

from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.own import with_own_arguments

# Hydra's options that would be obeyed by half, and what to do instead.
_REFUSED = {
    "config_name": "the configuration of a command is its own; put what you want into an experiment: experiment=NAME",
    "config_path": "give --config-dir=FOLDER, or hydra.searchpath=[file://FOLDER]",
    "experimental_rerun": "give the command itself again: what is complete is not repeated",
    "package": "it belongs to --cfg",
    "resolve": "it belongs to --cfg job",
}
_FOLDERS = ("hydra.run.dir=", "hydra.sweep.dir=", "hydra.sweep.subdir=", "hydra.output_subdir=")
EXPLAIN = "--explain"
_ONE_OF = ("run", "multirun", "cfg", "info", "shell_completion")


@dataclass(frozen=True)
class CommandLine:
    """A command line as Hydra reads it.

    Args:
        arguments: All of them, with overrides as Hydra accepts them.
        overrides: Those of the form key=value.
        is_sweep: -m.
        asks_about: Whether it asks for a help page, the configuration, or the like, and not for a run.
        explains: --explain.
        completes: Whether a shell asks how a line might go on; its overrides are words to the shell.
    """

    arguments: list[str]
    overrides: list[str]
    is_sweep: bool
    asks_about: bool
    explains: bool
    completes: bool


def read_command_line(argv: Sequence[str]) -> CommandLine:
    """Understand what was typed.

    Raises:
        ConfigError: If it has an option that means nothing here, or two that exclude each other.
        SystemExit: If an option is unknown, as argparse has it.
    """
    parser = get_args_parser()
    parser.add_argument(EXPLAIN, action="store_true", help="after the table of a run, what each row of it is")
    options = parser.parse_intermixed_args(list(argv))  # options may stand among overrides
    asks_about = bool(options.help or options.hydra_help or options.cfg or options.info or options.shell_completion)
    if len(several := [f"--{name}" for name in _ONE_OF if getattr(options, name, None)]) > 1:
        raise ConfigError(f"{' and '.join(several)} exclude each other; give one of them.")
    for name, advice in _REFUSED.items():
        if getattr(options, name, None) and not (asks_about and name in ("package", "resolve")):
            raise ConfigError(f"--{name.replace('_', '-')} is not for this command: {advice}.")
    overrides = with_own_arguments(options.overrides)
    if options.config_dir is not None:
        overrides = _with_search_path(overrides, options.config_dir)
    for override in overrides:
        if not override.lstrip("+~").partition("=")[0].strip():
            raise ConfigError(f"{override!r} has no key; overrides look like key=value.")
        if override.lstrip("+").startswith(_FOLDERS):
            raise ConfigError(f"{override}: runs have folders of their own, below runs_dir=FOLDER; leave it out.")
        if override.replace(" ", "").lower() in ("hydra.job.chdir=true", "++hydra.job.chdir=true"):
            raise ConfigError(f"{override}: a run has a folder of its own and needs no other directory; leave it out.")
    words = [] if options.hydra_help else with_own_arguments(options.overrides)  # Hydra fails over them there
    asked = [*words, *(a for a in argv if a not in options.overrides and a != EXPLAIN)]
    of_run = ["-m", *overrides] if options.multirun else overrides
    return CommandLine(
        asked if asks_about else of_run,
        overrides,
        bool(options.multirun),
        asks_about,
        bool(options.explain),
        completes=bool(options.shell_completion),
    )


def _with_search_path(overrides: Sequence[str], folder: str) -> list[str]:
    """--config-dir as an override, so that plan, job and launchers all have it."""
    path = os.path.abspath(os.path.expanduser(folder))
    if not os.path.isdir(path):
        raise ConfigError(f"--config-dir={folder} is no folder; give one that holds experiment/NAME.yaml, for example.")
    if any(override.startswith("hydra.searchpath=") for override in overrides):
        raise ConfigError("--config-dir and hydra.searchpath say the same thing twice; give all folders to the latter.")
    return [*overrides, f"hydra.searchpath=['file://{path}']"]
