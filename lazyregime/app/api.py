"""The command line for notebooks: `run("regime=lazy", "width=256")`, or `run(regime="lazy", width=256)`."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from lazyregime.app.ambient import ambient_state_of_torch
from lazyregime.app.command import AbstractCommand
from lazyregime.app.compose.devices import num_processes
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.own import put_working_directory_on_path
from lazyregime.app.compose.plan import check_memory, plan_jobs
from lazyregime.app.compose.quoting import as_overrides
from lazyregime.app.console import Console
from lazyregime.app.execute import execute
from lazyregime.app.fit.command import FIT
from lazyregime.app.flow.command import FLOW
from lazyregime.app.rerun import ask_for_reruns
from lazyregime.app.train.command import TRAIN
from lazyregime.ranks import forget_what_is_no_rank, is_started_together
from lazyregime.runs.result import Result

COMMANDS: dict[str, AbstractCommand] = {"train": TRAIN, "fit": FIT, "flow": FLOW}


def run(
    *overrides: str,
    command: Literal["train", "fit", "flow"] = "train",
    network: Any = None,
    data: Any = None,
    quiet: bool = False,
    **settings: Any,
) -> Result:
    """Do what `python -m lazyregime.train OVERRIDES` does; the result is also a mapping of the scalars of result.json.

    Args:
        overrides: As on the command line, `"regime=lazy", "width=256"`.
        command: Of which command.
        network: A network of one's own: a class or function without arguments, which is called when init_seed has been
            set, or a torch module, which is one draw (no seed gives another).
        data: Data of one's own, in any form that `lazyregime.data.from_user` takes; or, as for every other group, a
            word, `data="sphere"`, or settings, `data={"n_train": 1000}`.
        quiet: Print nothing.
        settings: Overrides as keywords, `width=256, trainer={"max_epochs": 2}`.

    Raises:
        LazyRegimeError: If the configuration cannot be, or the run fails.
    """
    with opened(command, network, data, settings) as (door, stand_ins, settings):
        (job,) = plan_jobs(door, [[*stand_ins, *words(overrides), *as_overrides(settings)]])
        check_processes(job.config)
        check_memory(door, [job])
        ask_for_reruns([job])
        console = Console(quiet=quiet)
        for note in () if quiet else job.notes:
            console.warn(note)
        return execute(door, job.config, console)


@contextlib.contextmanager
def opened(
    command: str, network: Any, data: Any, settings: dict[str, Any]
) -> Iterator[tuple[AbstractCommand, list[str], dict[str, Any]]]:
    """Where `run` and `sweep` compute: the command, the overrides that stand for what was handed over, all settings.

    Raises:
        ConfigError: As `command_of`.
    """
    from lazyregime.app.compose.given import given  # torch takes seconds to import, and `sweeps status` imports this

    if is_setting(data):
        data, settings = None, {"data": data, **settings}
    door = command_of(command, network, data)
    put_working_directory_on_path()
    forget_what_is_no_rank()
    with ambient_state_of_torch(), given(network, data) as stand_ins:
        yield door, stand_ins, settings


def command_of(command: str, network: Any, data: Any) -> AbstractCommand:
    """The command of this name.

    Raises:
        ConfigError: If there is none, or it does not take a network or data of one's own.
    """
    if command not in COMMANDS:
        raise ConfigError(f"command={command!r} is not known; choose one of {', '.join(COMMANDS)}.")
    if command != "train" and (network is not None or (data is not None and command != "fit")):
        raise ConfigError(f"command={command!r} takes no network= and no data= of one's own; command='train' does.")
    return COMMANDS[command]


def is_setting(data: Any) -> bool:
    """Whether `data` says which of our data sets, or how large, and does not hold data itself."""
    if isinstance(data, Mapping):
        return not {"train", "test", "validation", "class_weights"} & set(data)
    return isinstance(data, str) or (isinstance(data, list) and all(isinstance(name, str) for name in data))


def words(overrides: tuple[Any, ...]) -> list[str]:
    """Overrides as given, each of which must be a word.

    Raises:
        ConfigError: If one is something else.
    """
    for override in overrides:
        if not isinstance(override, str):
            kind = "keywords, run(**settings)" if isinstance(override, Mapping) else "words, as 'width=256'"
            raise ConfigError(f"{override!r} is a {type(override).__name__}; give overrides as {kind}.")
    return list(overrides)


def check_processes(config: Mapping[str, Any]) -> None:
    """Refuse a run of several processes, which a call in Python does not start.

    Raises:
        ConfigError: Saying how they are started.
    """
    count = num_processes(dict(config))
    if count > 1 and not is_started_together():
        raise ConfigError(
            f"a run of {count} processes starts this script {count - 1} times more, which run() does not do; give the "
            "command python -m lazyregime.train, or start the script with torchrun."
        )
