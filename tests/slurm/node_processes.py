"""What runs of a SLURM job on this machine, to be killed with its node or to be stopped for a while."""

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path


def kill_node(cluster: Path, node: str, jobs: Sequence[str]) -> None:
    """End a node as a power failure does: its slurmd, and all of these jobs."""
    lines = [line.split() for line in (cluster / "pids").read_text().splitlines()]
    (daemon,) = [int(pid) for pid, name in lines if name == f"slurmd-{node}" and Path(f"/proc/{pid}").exists()]
    for pid in (daemon, *steps_of(jobs), *tasks_of(jobs)):  # SLURM's own first, which would tell of the others' end
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it went with those before


def steps_of(jobs: Sequence[str]) -> list[int]:
    """SLURM's own processes of these jobs."""
    return [pid for pid, command, _ in _processes() if command.startswith(tuple(f"slurmstepd: [{j}." for j in jobs))]


def tasks_of(jobs: Sequence[str]) -> list[int]:
    """The other processes of these jobs."""
    ours = {f"SLURM_JOB_ID={job}" for job in jobs}
    return [pid for pid, command, words in _processes() if ours & words and not command.startswith("slurmstepd")]


def stop_training(job: str) -> None:
    """Stop the processes of a job that train, until a signal wakes them."""
    for pid in tasks_of([job]):
        if Path(f"/proc/{pid}/exe").resolve().name.startswith("python"):
            os.kill(pid, signal.SIGSTOP)


def _processes() -> Iterator[tuple[int, str, set[str]]]:
    """Number, command line and environment of each."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            words = (process / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        yield int(process.name), command, set(words)
