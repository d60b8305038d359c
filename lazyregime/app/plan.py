"""Before a sweep starts every job of it is composed and checked, and the plan is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from lazyregime.app.config import ConfigDict, compose_job
from lazyregime.app.console import Console
from lazyregime.app.hints import ConfigError
from lazyregime.app.runs import RunFolder
from lazyregime.errors import LazyRegimeError


@dataclass(frozen=True)
class Job:
    """One run to be: its overrides, its configuration, its folder and the number of its parameters."""

    overrides: Sequence[str]
    config: ConfigDict
    folder: RunFolder
    num_params: int


def plan_jobs(jobs: Sequence[Sequence[str]]) -> list[Job]:
    """Compose and check every job.

    Raises:
        ConfigError: A sentence about the first thing that is wrong, with the job it is in.
    """
    from lazyregime.app.build import check

    planned = []
    for number, overrides in enumerate(jobs):
        try:
            config = compose_job(overrides)
            planned.append(Job(overrides, config, RunFolder.of(config), check(config)))
        except LazyRegimeError as error:
            where = f" (job {number + 1} of {len(jobs)}: {' '.join(overrides)})" if len(jobs) > 1 else ""
            raise ConfigError(f"{error}{where}") from error
    return planned


def show_plan(console: Console, jobs: Sequence[Job]) -> None:
    """How many runs, how many are done already, and what the largest needs."""
    done = sum(job.folder.status() == "complete" and not job.config["rerun"] for job in jobs)
    largest = max(jobs, key=lambda job: job.num_params)
    console.say(f"{len(jobs)} runs, {done} of them complete already, {len(jobs) - done} to do; the largest:")
    console.say(f"  {largest.folder.name}: {largest.num_params:,} parameters, {_memory(largest)}")


def show_outcome(console: Console, jobs: Sequence[Job]) -> int:
    """What became of every job, as a table; the number of those without a result."""
    rows = []
    for job in jobs:
        status = job.folder.status()
        accuracy = f"{job.folder.read_result()['test_accuracy']:.4f}" if status == "complete" else None
        rows.append((job.folder.name, status, accuracy, str(job.folder.path)))
    console.say()
    console.table(["run", "status", "test accuracy", "folder"], rows, title="The sweep")
    missing = sum(status != "complete" for _, status, _, _ in rows)
    groups = sorted({str(job.folder.path.parent) for job in jobs})
    if missing:
        console.say(f"{missing} of {len(jobs)} runs have no result; the same command computes only those.")
    console.say(f"Next:   python -m lazyregime.report {' '.join(groups)}")
    return missing


def _memory(job: Job) -> str:
    config, size = job.config, 8 if job.config["trainer"]["precision"] == "float64" else 4
    copies = 5 if config["regime"]["centred"] else 4  # weights, gradients, two moments of Adam; w0
    text = f"about {_bytes(job.num_params * size * copies)} to train"
    if not config["ntk"]["enabled"]:
        return text + ", no kernel probe"
    anchors = config["ntk"]["anchors_per_class"] * config["data"]["n_outputs"]
    test = config["ntk"]["n_test"] or config["data"].get("n_test") or 10_000
    kernel = f"{test:,} x {2 * anchors} test kernel ({_bytes(test * 2 * anchors * size)})"
    return f"{text}; kernels {anchors} x {anchors}, twice, and a {kernel}"


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
