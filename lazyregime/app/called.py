"""What a run of a sweep is called: the name of its folder, and what was swept that the folder leaves out.

The folder's own name is that of the run whatever sweep it is of, for the run is one and may be of several.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazyregime.app.command import AbstractCommand
from lazyregime.app.sweeps.record import SweepRecord, read_sweep, records_beside
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.identity import Naming, look_up, own_arguments
from lazyregime.tracking.called import Called

LONGEST = 120  # letters that wandb takes as the name of a group
SEEDS = ("seed", "init_seed", "data_seed", "batch_seed")


def called_in(command: AbstractCommand, config: Mapping[str, Any], folder: RunFolder) -> Called:
    """A run of a command."""
    return called_by(command.naming, config, folder)


def called_by(naming: Naming, config: Mapping[str, Any], folder: RunFolder) -> Called:
    """`lazy-mlp-w1024-s0 lr=0.1`, and the newest sweep that has the run."""
    sweep = sweep_of(folder.path)
    if sweep is None:
        return Called(folder.name)
    untold = [key for key in sweep.swept if not _is_told(key, naming, config)]
    words = [f"{key.rpartition('.')[2]}={_written(_value(config, key))}" for key in untold]
    parts = [folder.group.replace("/", "-"), *(key.rpartition(".")[2] for key in sweep.swept), sweep.id]
    return Called(" ".join([folder.name, *words]), "-".join(parts)[-LONGEST:])


def sweep_of(path: Path) -> SweepRecord | None:
    """The newest sweep that lists the run in a folder."""
    for record, when in reversed(records_beside(path)):
        sweep = _read(record, when)
        if sweep is not None and path.name in sweep.runs:
            return sweep
    return None


@functools.lru_cache(maxsize=64)
def _read(record: Path, when: float) -> SweepRecord | None:
    """Once for all the runs of a sweep."""
    del when
    try:
        return read_sweep(record)
    except (OSError, ValueError, RecursionError):  # `sweeps status` tells of it
        return None


def _is_told(key: str, naming: Naming, config: Mapping[str, Any]) -> bool:
    """Whether the name of the folder says what the value of the key is."""
    if config.get("name") is not None:
        return False
    value = _value(config, key)
    if key in SEEDS:
        return key == "seed" or value != config.get("seed")
    if key in own_arguments(config, naming) or any(told.removesuffix(".name") == key for told, _ in naming.always):
        return True
    return any(told.removesuffix(".name") == key and value not in usual for told, usual, _ in naming.ordinary)


def _value(config: Mapping[str, Any], key: str) -> Any:
    value = look_up(config, key)
    return value.get("name") if isinstance(value, Mapping) else value


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
