"""Before anything starts, every job is composed and checked; those that differ in seeds only are checked once."""

import json
from collections.abc import Sequence
from typing import Any

from lazyregime.app.command import AbstractCommand
from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.described import check_typed
from lazyregime.app.compose.devices import check_device, memory_of
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.ignored import without_effect
from lazyregime.app.compose.job import Job
from lazyregime.app.compose.system import check_system
from lazyregime.errors import LazyRegimeError

SEEDS = ("seed", "init_seed", "data_seed", "batch_seed")
_LARGEST_SEED = 2**63 - 1
_MOST_THREADS = 1024  # torch dies of too many
_CHECK_FREE = ("name", "tags", "group", "runs_dir", "rerun", "progress", "tracking")


def plan_jobs(command: AbstractCommand, jobs: Sequence[Sequence[str]]) -> list[Job]:
    """Compose and check every job.

    Raises:
        ConfigError: A sentence about the first thing that is wrong, with the job it is in.
    """
    check_system()
    planned: list[Job] = []
    sizes: dict[str, float] = {}
    configs = iter(command.source.compose_jobs(jobs))
    for number, overrides in enumerate(jobs):
        try:
            config = next(configs)
            _check_common(config)
            check_typed(overrides, config)
            config = command.complete(config)
            folder = command.folder(config)
            kind = _kind(config)
            if kind not in sizes:
                sizes[kind] = command.check(config)
            planned.append(Job(overrides, config, folder, sizes[kind], without_effect(overrides, config)))
        except LazyRegimeError as error:
            where = f" (job {number + 1} of {len(jobs)}: {' '.join(overrides)})" if len(jobs) > 1 else ""
            raise ConfigError(f"{error}{where}") from error
    return planned


def check_memory(command: AbstractCommand, jobs: Sequence[Job]) -> None:
    """Refuse jobs that the memory of their device cannot hold.

    Raises:
        ConfigError: Naming the first, and the size that would fit.
    """
    for job in jobs:
        needed = command.bytes_held(job.config, job.size)
        there, whose = memory_of(job.config)
        if needed > there:
            raise ConfigError(
                f"{job.folder.name} needs at least {needed / 1e9:.3g} GB, and {whose} has {there / 1e9:.3g} GB; of its "
                f"{job.size:,.0f} parameters {job.size * there / needed:,.0f} would fit: give a smaller width, or "
                "compute it on a larger machine."
            )


def _check_common(config: ConfigDict) -> None:
    check_device(config)
    if config["num_threads"] is not None and config["num_threads"] < 1:
        raise ConfigError(f"num_threads={config['num_threads']} is not possible; it must be at least 1.")
    if config["num_threads"] is not None and config["num_threads"] > _MOST_THREADS:
        raise ConfigError(f"num_threads={config['num_threads']} is not possible; it must be at most {_MOST_THREADS}.")
    for key in SEEDS:
        if key in config and not 0 <= config[key] <= _LARGEST_SEED:
            raise ConfigError(f"{key}={config[key]} is not possible; a seed is a whole number from 0 to 2^63 - 1.")
    for key in ("runs_dir", "data_dir"):
        if not str(config[key]).strip():
            raise ConfigError(f"{key} is empty; give a folder, or leave out {key} and LAZYREGIME_{_VARIABLE[key]}.")


_VARIABLE = {"runs_dir": "RUNS", "data_dir": "DATA"}


def _kind(config: ConfigDict) -> str:
    """What a check depends on: all but seeds, names and places."""
    return json.dumps(_without_seeds({k: v for k, v in config.items() if k not in _CHECK_FREE}), default=str)


def _without_seeds(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_seeds(item) for key, item in value.items() if not str(key).endswith("seed")}
