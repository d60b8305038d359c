"""What a recorded sweep may ask for when its command is given again: runs like those it made, in their own folder.

A record is a file in a run folder, which may come from anybody. Its overrides are parsed one by one and the runs that
they make are composed and checked; options, Hydra's own settings, paths and foreign classes are not taken from it, but
may be given beside it.
"""

import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from lazyregime.app.command import AbstractCommand
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.quoting import quoted
from lazyregime.app.compose.trust import check_stored
from lazyregime.app.sweeps.record import SweepRecord

# Of a launcher: how much and where, but no lines for a job script, no options for srun, no paths.
OF_LAUNCHER = frozenset(
    {
        "partition",
        "account",
        "qos",
        "constraint",
        "nodes",
        "tasks_per_node",
        "gpus_per_node",
        "gres",
        "cpus_per_task",
        "mem_gb",
        "timeout_min",
        "runs_per_job",
        "array_parallelism",
        "n_jobs",
        "processes",
        "gpus_per_run",
        "signal_delay_s",
        "max_num_timeout",
    }
)
_PLAIN_VALUE = re.compile(r"[\w.:,+&|\[\]*%-]*")
NOT_RECORDED = frozenset({"runs_dir", "data_dir", "data.data_dir", "trust", "rerun"})  # yours to say, not a folder's


def overrides_of(record: SweepRecord, command: AbstractCommand, given: Sequence[str]) -> tuple[list[str], list[str]]:
    """The overrides that make the record's runs again where they lie, and those of the record that were left out.

    Args:
        record: The sweep.
        command: Its command.
        given: Overrides from the user's own command line, which are obeyed.

    Raises:
        ConfigError: If the record asks for what no record may ask for, or its runs are not those that it lists.
    """
    own = {_parse([override])[0].key_or_group for override in given}
    kept: list[str] = []
    left: list[str] = []
    for override in record.overrides:
        if override.startswith("-"):
            raise ConfigError(f"The record of a sweep in {record.root} has the option {override!r}; it is not obeyed.")
        key = _parse([override])[0].key_or_group
        if key in own:
            continue
        (left if _is_private(key, override) else kept).append(override)
    overrides = [*kept, *given, f"runs_dir={quoted(str(record.runs_dir))}"]
    _check(record, command, overrides, [group for group in command.source.groups if f"{group}._target_" not in own])
    return overrides, [override for override in left if not override.startswith(("runs_dir=", "rerun="))]


def _is_private(key: str, override: str) -> bool:
    """Whether an override is not a folder's to say."""
    if not key.startswith("hydra"):
        return key in NOT_RECORDED
    known = key == "hydra/launcher" or key.removeprefix("hydra.launcher.") in OF_LAUNCHER
    return (
        not known or _PLAIN_VALUE.fullmatch(override.partition("=")[2]) is None
    )  # a line break would be a line of a job


def _check(record: SweepRecord, command: AbstractCommand, overrides: list[str], groups: Sequence[str]) -> None:
    root = record.root.resolve()
    for config in command.source.compose_jobs(command.source.sweep(overrides).jobs):
        check_stored(config, groups, config["trust"], f"The record of a sweep in {record.root}")
        path = command.folder(config).path.resolve()
        if path.parent != root:
            raise ConfigError(
                f"The record of a sweep in {record.root} asks for a run in {path.parent}; it is not obeyed. Give that "
                "sweep's own command instead."
            )


def _parse(overrides: Sequence[str]) -> list[Override]:
    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ConfigError(f"{' '.join(overrides)!r} is no override; it looks like key=value.") from error
