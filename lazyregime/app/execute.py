"""A job is computed once: a complete run is returned, an interrupted one goes on, another process's is left alone."""

import contextlib
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from lazyregime.app.ambient import ambient_state_of_torch
from lazyregime.app.called import called_in
from lazyregime.app.command import AbstractCommand, AbstractWork
from lazyregime.app.compose.config import ConfigDict, as_yaml
from lazyregime.app.compose.devices import num_processes
from lazyregime.app.console import Console
from lazyregime.app.drawing import drawn
from lazyregime.errors import LazyRegimeError, in_words, is_of_the_machine
from lazyregime.notice import NOTICE, Leaving
from lazyregime.ranks import is_first_process, settle_ranks
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.result import Result
from lazyregime.runs.status import Status
from lazyregime.runs.tables import read_rows


def execute(command: AbstractCommand, config: ConfigDict, console: Console) -> Result:
    """Compute one job, or return what is there.

    Raises:
        LazyRegimeError: For what the user can mend; the failure stands in the run folder too.
    """
    settle_ranks(num_processes(config))
    folder = command.folder(config)
    console.show_progress(config["progress"])
    try:
        if not is_first_process():
            return _take_part(command, config, folder)
        damaged = folder.damaged_files() if folder.status() == Status.complete else None
        if damaged == [] and command.is_to_go_on(folder.read_result()):
            console.say(f"{folder.name} is complete but for what there was no memory for, which is measured now.")
            damaged = [folder.kernels]
        elif damaged:
            names = ", ".join(str(path) for path in damaged)
            console.warn(f"{names} of a complete run is not what was written, or gone; it is made again.")
        if damaged == []:
            console.say(f"{folder.name} is complete already (rerun=true computes it anew).")
            folder.tidy()
            result = folder.read_result()
        else:
            result = _computed(command, config, folder, console, damaged)
    except Exception as error:
        if isinstance(error, LazyRegimeError) or not is_of_the_machine(error):
            raise
        raise LazyRegimeError(in_words(error)) from error
    _show(command, config, console, folder, result)
    return result


def _computed(
    command: AbstractCommand, config: ConfigDict, folder: RunFolder, console: Console, damaged: Sequence[Path] | None
) -> Result:
    """The result of a run that is not complete, or of which some files are damaged."""
    with ambient_state_of_torch(), NOTICE.listening(), folder.locked(command.source.command):
        if damaged:
            if all(path == folder.config or path.parent == folder.figures for path in damaged):
                return _mended(command, config, folder)
            folder.reopen(damaged)
        folder.begin()
        folder.write_config(as_yaml(config))
        result = _compute(command, config, folder, console)
        folder.check_there()
        return folder.write_result(result)


def _mended(command: AbstractCommand, config: ConfigDict, folder: RunFolder) -> Result:
    """The result of a run whose configuration or figure is written again."""
    result = folder.read_result()
    folder.write_config(as_yaml(config))
    command.draw(folder, result)
    return folder.write_result(result)


def _compute(command: AbstractCommand, config: ConfigDict, folder: RunFolder, console: Console) -> Result:
    from lazyregime.tracking.tracking import open_tracking

    called = called_in(command, config, folder)
    _set_threads(config)
    work: AbstractWork | None = None
    try:
        with open_tracking(config, folder, console.say, called) as tracking:
            work = command.start(config, folder, console, tracking)
            console.say(f"{called.name}: {work.opening()}")
            try:
                result = work.run()
            finally:  # what is on disk is recorded, however it ends
                tracking.log_rows(read_rows(folder.metrics))
            figure = drawn(lambda: command.draw(folder, result), console)
            if config["tracking"]["kind"] != "csv":
                from lazyregime.app.watched import tell_result

                tell_result(tracking, config, folder, result, figure)
    except (KeyboardInterrupt, SystemExit) as stop:  # Lightning turns the first into the second
        what = f"Told to leave ({stop.why})" if isinstance(stop, Leaving) else "Interrupted"
        console.say(f"{what}; the same command goes on from what is saved in {folder.path}.")
        if isinstance(stop.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stop
        raise
    except Exception as error:
        raise _failed(error, folder, None if work is None else work.step) from error
    return result


def _failed(error: Exception, folder: RunFolder, step: int | None) -> LazyRegimeError:
    """What to raise for it; the folder says so too, where it can be written and no other process of the run has."""
    with contextlib.suppress(OSError):
        if not folder.failure.exists():
            folder.write_failure(error, step=step)
    if isinstance(error, LazyRegimeError):
        return error
    where = "" if is_of_the_machine(error) else f" (the traceback is in {folder.failure})"
    return LazyRegimeError(f"{folder.name} failed: {in_words(error)}{where}")


def _take_part(command: AbstractCommand, config: ConfigDict, folder: RunFolder) -> Result:
    """A further process of a run: it computes its share, and the first one writes."""
    from lazyregime.tracking.tracking import Tracking

    _set_threads(config)
    quiet = Console(quiet=True)
    try:
        with NOTICE.listening():
            return command.start(config, folder, quiet, Tracking(None, quiet.say)).run()
    except Exception as error:
        folder.write_failure(error)
        sys.exit(1)


def _set_threads(config: ConfigDict) -> None:
    import torch  # takes seconds

    if config["num_threads"] is not None:
        torch.set_num_threads(config["num_threads"])


def _show(command: AbstractCommand, config: ConfigDict, console: Console, folder: RunFolder, result: Result) -> None:
    console.say()
    console.table(["measured", "value"], command.summary(result), title=called_in(command, config, folder).name)
    console.say()
    if console.explains:
        for what, paragraph in command.explained(result):
            console.say(f"{what}\n{textwrap.fill(paragraph, 100, initial_indent='  ', subsequent_indent='  ')}\n")
    for warning in result.get("warnings") or ():
        console.warn(warning)
    console.say(command.last_word(result))
    console.say(f"Run:    {folder.path}")
    console.say(f"Figure: {folder.figures / 'summary.png'}")
