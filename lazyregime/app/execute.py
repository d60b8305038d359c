"""A job is computed once: a complete run is returned, an interrupted one goes on, another process's is left alone."""

import sys

from lazyregime.app.command import AbstractCommand, AbstractWork, Result
from lazyregime.app.compose.config import ConfigDict, as_yaml
from lazyregime.app.console import Console
from lazyregime.errors import LazyRegimeError
from lazyregime.notice import NOTICE, Leaving
from lazyregime.ranks import is_first_process
from lazyregime.runs.folder import RunFolder


def execute(command: AbstractCommand, config: ConfigDict, console: Console) -> Result:
    """Compute one job, or return what is there.

    Raises:
        LazyRegimeError: For what the user can mend; the failure stands in the run folder too.
    """
    folder = command.folder(config)
    console.show_progress(config["progress"])
    if not is_first_process():
        return _take_part(command, config, folder)
    if not config["rerun"] and folder.status() == "complete":
        console.say(f"{folder.name} is complete already (rerun=true computes it anew).")
        result = folder.read_result()
        _show(command, console, folder, result)
        return result
    with NOTICE.listening(), folder.locked(command.source.command):
        if config["rerun"]:
            folder.clear()
        folder.write_config(as_yaml(config))
        result = _compute(command, config, folder, console)
        folder.write_result(result)
    _show(command, console, folder, result)
    return result


def _compute(command: AbstractCommand, config: ConfigDict, folder: RunFolder, console: Console) -> Result:
    from lazyregime.tracking.tracking import open_tracking

    _set_threads(config)
    work: AbstractWork | None = None
    try:
        with open_tracking(config, folder, console.say) as tracking:
            work = command.start(config, folder, console, tracking)
            console.say(f"{folder.name}: {work.opening()}")
            result = work.run()
            tracking.summary({k: v for k, v in result.items() if isinstance(v, int | float | str)})
            try:
                tracking.log_image("summary", command.draw(folder, result))
            except Exception as error:  # a result that is there is not lost for a picture
                console.warn(f"The figure could not be drawn: {type(error).__name__}: {error}")
            told = [[name, value] for name, value in command.summary(result) if value]
            tracking.log_table("result", ["quantity", "value"], told)
    except (KeyboardInterrupt, SystemExit) as stop:  # Lightning turns the first into the second
        what = f"Told to leave ({stop.why})" if isinstance(stop, Leaving) else "Interrupted"
        console.say(f"{what}; the same command goes on from what is saved in {folder.path}.")
        if isinstance(stop.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stop
        raise
    except Exception as error:
        if not folder.failure.exists():  # else another process of the run has said why
            folder.write_failure(error, step=None if work is None else work.step)
        if isinstance(error, LazyRegimeError):
            raise
        raise LazyRegimeError(
            f"{folder.name} failed: {type(error).__name__}: {error} (the traceback is in {folder.failure})"
        ) from error
    return result


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


def _show(command: AbstractCommand, console: Console, folder: RunFolder, result: Result) -> None:
    console.say()
    console.table(["measured", "value"], command.summary(result), title=folder.name)
    console.say()
    for warning in result.get("warnings") or ():
        console.warn(warning)
    console.say(command.last_word(result))
    console.say(f"Run:    {folder.path}")
    console.say(f"Figure: {folder.figures / 'summary.png'}")
