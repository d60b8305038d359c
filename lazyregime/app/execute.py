"""A job is computed once: a complete run is returned, an interrupted one goes on, another process's is left alone."""

from typing import Any

from lazyregime.app.config import ConfigDict, as_yaml
from lazyregime.app.console import Console
from lazyregime.app.runs import RunFolder
from lazyregime.errors import LazyRegimeError

Result = dict[str, Any]


def execute(config: ConfigDict, console: Console) -> Result:
    """Compute one job, or return what is there.

    Raises:
        LazyRegimeError: For what the user can mend; the failure stands in the run folder too.
    """
    folder = RunFolder.of(config)
    console.show_progress(config["trainer"]["progress"])
    if not config["rerun"] and folder.status() == "complete":
        console.say(f"{folder.name} is complete already (rerun=true computes it anew).")
        result = folder.read_result()
        _show(console, folder, result)
        return result
    with folder.locked():
        if config["rerun"]:
            folder.clear()
        folder.write_config(as_yaml(config))
        result = _compute(config, folder, console)
        folder.write_result(result)
    _show(console, folder, result)
    return result


def _compute(config: ConfigDict, folder: RunFolder, console: Console) -> Result:
    from lazyregime.app.tracking import open_tracking  # torch, Lightning and wandb take seconds to import
    from lazyregime.app.training import Training, formula
    from lazyregime.reports.run_figure import draw_run

    training: Training | None = None
    try:
        with open_tracking(config, folder, console.say) as tracking:
            training = Training(config, folder, console, tracking)
            console.say(
                f"{folder.name}: {formula(training.module)}; {training.num_params:,} parameters on {training.device}"
            )
            result = training.run()
            tracking.summary({k: v for k, v in result.items() if isinstance(v, int | float | str)})
            try:
                tracking.log_image("summary", draw_run(folder.path, result))
            except Exception as error:  # a training that is done is not lost for a picture
                console.warn(f"The figure could not be drawn: {type(error).__name__}: {error}")
            tracking.log_table("result", ["quantity", "value"], _rows(result))
    except (KeyboardInterrupt, SystemExit) as stop:  # Lightning turns the first into the second
        console.say(f"Interrupted; the same command goes on from the last checkpoint in {folder.path}.")
        if isinstance(stop.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stop
        raise
    except Exception as error:
        folder.write_failure(error, step=None if training is None else training.step)
        if isinstance(error, LazyRegimeError):
            raise
        raise LazyRegimeError(
            f"{folder.name} failed: {type(error).__name__}: {error} (the traceback is in {folder.failure})"
        ) from error
    return result


def _rows(result: Result) -> list[list[str]]:
    from lazyregime.app.training import summary_rows

    return [[name, value] for name, value in summary_rows(result) if value]


def _show(console: Console, folder: RunFolder, result: Result) -> None:
    from lazyregime.app.training import summary_rows, verdict_line

    console.say()
    console.table(["measured", "value"], summary_rows(result), title=folder.name)
    console.say()
    console.say(verdict_line(result))
    console.say(f"Run:    {folder.path}")
    console.say(f"Figure: {folder.figures / 'summary.png'}")
