"""Runs of a sweep that may be stepped together: flows that differ in seeds and alpha only, as ordinary runs."""

import contextlib
import copy
import json
from collections.abc import Sequence
from typing import Any

from lazyregime.app.compose.config import ConfigDict, as_yaml
from lazyregime.app.compose.job import Job
from lazyregime.app.console import Console
from lazyregime.errors import LazyRegimeError
from lazyregime.runs.result import Result
from lazyregime.runs.status import Status

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


def compute_together(jobs: Sequence[Job], console: Console) -> None:
    """Compute the jobs of one group; each becomes an ordinary run folder as soon as its flow has ended.

    A member that fails says so in its folder and does not disturb the others.
    """
    import torch

    from lazyregime.app.train.gradient_flow import FlowsTogether
    from lazyregime.app.train.member import FlowMember

    first = jobs[0].config
    console.show_progress(first["progress"])
    if first["num_threads"] is not None:
        torch.set_num_threads(first["num_threads"])
    with contextlib.ExitStack() as stack:
        held: list[Job] = []
        for job in jobs:
            try:
                stack.enter_context(job.folder.locked("train"))
            except LazyRegimeError as error:  # another process computes it
                console.warn(str(error))
                continue
            job.folder.begin()
            job.folder.write_config(as_yaml(job.config))
            held.append(job)
        if not held:
            return
        console.say(f"\n{len(held)} runs together: {held[0].folder.name} to {held[-1].folder.name}")

        def ended(number: int, member: FlowMember, seconds: float) -> None:
            folder = held[number].folder
            try:
                result = folder.write_result(member.result(seconds, together=len(held)))
            except Exception as error:
                folder.write_failure(error, step=None if member.last is None else member.last.steps)
                console.error(f"{folder.name}: {error}")
                return
            _track(held[number].config, folder, member.rows, result, console)

        FlowsTogether([job.config for job in held], [job.folder for job in held], console).run(ended)


def _track(config: ConfigDict, folder: Any, rows: list[dict[str, float]], result: Result, console: Console) -> None:
    if config["tracking"]["kind"] == "csv":
        return
    from lazyregime.tracking.tracking import open_tracking

    with open_tracking(config, folder, console.say) as tracking:
        tracking.log_rows(rows)
        tracking.summary({k: v for k, v in result.items() if isinstance(v, int | float | str)})


def _is_to_do(job: Job) -> bool:
    return job.folder.status() not in (Status.complete, Status.running)


def _kind(config: ConfigDict) -> str:
    """All but what the members of a group may differ in."""
    kind = copy.deepcopy({key: value for key, value in config.items() if key not in OWN})
    for key in [key for key in kind["data"] if key.endswith("seed")]:
        del kind["data"][key]
    return json.dumps(kind, sort_keys=True, default=str)
