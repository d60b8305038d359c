"""The command line for notebooks: `run("regime=lazy", "width=256")` returns the result."""

from typing import Literal

from lazyregime.app.command import AbstractCommand
from lazyregime.app.compose.plan import plan_jobs
from lazyregime.app.console import Console
from lazyregime.app.execute import execute
from lazyregime.app.fit.command import FIT
from lazyregime.app.flow.command import FLOW
from lazyregime.app.rerun import ask_for_reruns
from lazyregime.app.train.command import TRAIN
from lazyregime.runs.result import Result

COMMANDS: dict[str, AbstractCommand] = {"train": TRAIN, "fit": FIT, "flow": FLOW}


def run(*overrides: str, command: Literal["train", "fit", "flow"] = "train", quiet: bool = False) -> Result:
    """Do what `python -m lazyregime.train OVERRIDES` does; the result is also a mapping of the scalars of result.json.

    Args:
        overrides: As on the command line, `"regime=lazy", "width=256"`.
        command: Of which command.
        quiet: Print nothing.

    Raises:
        LazyRegimeError: If the configuration cannot be, or the run fails.
    """
    door = COMMANDS[command]
    (job,) = plan_jobs(door, [list(overrides)])
    ask_for_reruns([job])
    return execute(door, job.config, Console(quiet=quiet))
