"""Runs of a sweep that may be stepped together: flows that differ in seeds and alpha only, as ordinary runs."""

import contextlib
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazyregime.app.ambient import ambient_state_of_torch
from lazyregime.app.called import called_by
from lazyregime.app.compose.config import ConfigDict, as_yaml
from lazyregime.app.compose.job import Job
from lazyregime.app.console import Console
from lazyregime.app.drawing import drawn
from lazyregime.errors import LazyRegimeError, in_words, refused_by_the_system
from lazyregime.notice import NOTICE, Leaving
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.identity import TRAINING
from lazyregime.runs.result import Result
from lazyregime.runs.status import Status

if TYPE_CHECKING:  # it imports torch
    from lazyregime.app.train.member import FlowMember

Draw = Callable[[RunFolder, Mapping[str, Any]], Path]

OWN = ("seed", "init_seed", "data_seed", "batch_seed", "alpha", "laziness", "name", "tags")  # what members differ in
MOST = 40  # members at once: all their measurements and kernels are held in memory


def groups(jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs still to do that may be stepped together, in groups of two to `MOST`."""
    alike: dict[str, list[Job]] = {}
    for job in jobs:
        flows = job.config.get("optimizer", {}).get("name") == "gradient_flow"
        if flows and job.config["optimizer"]["together"] == "auto" and _is_to_do(job):
            members = alike.setdefault(_kind(job.config), [])
            if all(job.folder.path != other.folder.path for other in members):
                members.append(job)
    parts = [members[i : i + MOST] for members in alike.values() for i in range(0, len(members), MOST)]
    return [part for part in parts if len(part) > 1]


def compute_together(jobs: Sequence[Job], draw: Draw, console: Console) -> None:
    """Compute the jobs of one group; each becomes an ordinary run folder as soon as its flow has ended.

    A member that fails says so in its folder and does not disturb the others.
    """
    import torch

    from lazyregime.app.train.gradient_flow import FlowsTogether
    from lazyregime.app.train.member import FlowMember

    first = jobs[0].config
    console.show_progress(first["progress"])
    with ambient_state_of_torch(), NOTICE.listening(), contextlib.ExitStack() as stack:
        if first["num_threads"] is not None:
            torch.set_num_threads(first["num_threads"])
        locks = [(job, stack.enter_context(contextlib.ExitStack())) for job in jobs]
        taken = [(job, lock) for job, lock in locks if _is_taken(job, lock, console)]
        held = [job for job, _ in taken]
        if not held:
            return
        console.say(f"\n{len(held)} runs together: {held[0].folder.name} to {held[-1].folder.name}")

        def ended(number: int, member: FlowMember, seconds: float) -> None:
            job, lock = taken[number]
            try:
                result = member.result(seconds, together=len(held))
                drawn(lambda: draw(job.folder, result), console)
                job.folder.check_there()
                result = job.folder.write_result(result)
            except Exception as error:
                _fail(job.folder, member, error, console)
            else:
                _track(job.config, job.folder, member.rows, result, console)
            lock.close()

        try:
            FlowsTogether([job.config for job in held], [job.folder for job in held], console).run(ended)
        except Exception as error:  # torch says RuntimeError of a full disk; the runs are tried one by one after this
            console.error(f"{len(held)} runs could not be computed together: {in_words(error)}")
        except (KeyboardInterrupt, SystemExit) as stop:
            what = f"Told to leave ({stop.why})" if isinstance(stop, Leaving) else "Interrupted"
            console.say(f"{what}; the same command goes on from what is saved.")
            raise


def _is_taken(job: Job, stack: contextlib.ExitStack, console: Console) -> bool:
    """Whether the run's folder could be locked and begun; else it is said why not."""
    try:
        stack.enter_context(job.folder.locked("train"))
        job.folder.begin()
        job.folder.write_config(as_yaml(job.config))
    except LazyRegimeError as error:  # another process computes it
        console.warn(str(error))
        return False
    except OSError as error:
        console.warn(str(refused_by_the_system(error)))
        return False
    return True


def _fail(folder: RunFolder, member: "FlowMember", error: Exception, console: Console) -> None:
    """The folder says why, where it can be written; the others flow on."""
    with contextlib.suppress(OSError):
        folder.write_failure(error, step=None if member.last is None else member.last.steps)
    console.error(f"{folder.name}: {in_words(error)}")


def _track(
    config: ConfigDict, folder: RunFolder, rows: list[dict[str, float]], result: Result, console: Console
) -> None:
    if config["tracking"]["kind"] == "csv":
        return
    from lazyregime.app.watched import tell_result
    from lazyregime.tracking.tracking import open_tracking

    with open_tracking(config, folder, console.say, called_by(TRAINING, config, folder)) as tracking:
        tracking.log_rows(rows)
        tell_result(tracking, config, folder, result, folder.figures / "summary.png")


def _is_to_do(job: Job) -> bool:
    return job.folder.status() not in (Status.complete, Status.running)


def _kind(config: ConfigDict) -> str:
    """All but what the members of a group may differ in."""
    kind = copy.deepcopy({key: value for key, value in config.items() if key not in OWN})
    for key in [key for key in kind["data"] if key.endswith("seed")]:
        del kind["data"][key]
    return json.dumps(kind, sort_keys=True, default=str)
