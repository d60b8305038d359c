"""Several runs at a time on one machine, each a process of its own, with its GPUs or its share of the processors."""

# ruff: noqa: D102
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher


class ProcessLauncher(Launcher):
    """conf/hydra/launcher/local_gpus.yaml says what its settings are."""

    def __init__(self, processes: int | None, gpus_per_run: int, gpus: Sequence[int] | None) -> None:
        self.processes, self.gpus_per_run, self.gpus = processes, gpus_per_run, gpus

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        places: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        found = self._places()
        for place in found:
            places.put(place)
        speaking = threading.Lock()

        def run(overrides: Sequence[str]) -> JobReturn:
            place = places.get()
            try:
                self._run(overrides, place, speaking)
            finally:
                places.put(place)
            return JobReturn(overrides=list(overrides), status=JobStatus.COMPLETED, _return_value=None)

        with ThreadPoolExecutor(len(found)) as pool:
            return list(pool.map(run, job_overrides))

    def _run(self, overrides: Sequence[str], place: dict[str, str], speaking: threading.Lock) -> None:
        """One run; its lines are shown when it is over. A failure stands in its folder."""
        command = [sys.executable, "-m", f"lazyregime.{self.config.hydra.job.config_name}", *_of_run(overrides)]
        done = subprocess.run(command, env={**os.environ, **place}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with speaking:
            print(f"\n{' '.join(overrides)}", done.stdout.decode(errors="replace").rstrip(), sep="\n", flush=True)

    def _places(self) -> list[dict[str, str]]:
        """The environment of each process that runs at the same time."""
        from lazyregime.errors import LazyRegimeError

        if self.gpus_per_run == 0 or (self.processes is not None and not _visible_gpus(self.gpus)):
            count = self.processes or 1
            threads = max(1, len(os.sched_getaffinity(0)) // count)
            return [{"OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ""}] * count
        gpus = _visible_gpus(self.gpus)
        if len(gpus) < self.gpus_per_run:
            raise LazyRegimeError(
                f"hydra/launcher=local_gpus finds {len(gpus)} GPUs, and a run needs {self.gpus_per_run}; for runs "
                "without a GPU set hydra.launcher.processes, how many run at a time."
            )
        groups = [gpus[start : start + self.gpus_per_run] for start in range(0, len(gpus), self.gpus_per_run)]
        whole = [group for group in groups if len(group) == self.gpus_per_run][: self.processes]
        threads = max(1, len(os.sched_getaffinity(0)) // len(whole))
        return [{"CUDA_VISIBLE_DEVICES": ",".join(group), "OMP_NUM_THREADS": str(threads)} for group in whole]


def _of_run(overrides: Sequence[str]) -> list[str]:
    """The overrides without those of the sweep itself, which has seen to rerun=true too."""
    of_sweep = ("hydra/launcher", "hydra.launcher", "rerun=")
    return [override for override in overrides if not override.startswith(of_sweep)]


def _visible_gpus(asked: Sequence[int] | None) -> list[str]:
    """The GPUs by what CUDA_VISIBLE_DEVICES calls them, found without importing torch."""
    if asked is not None:
        return [str(gpu) for gpu in asked]
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [name for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if name.strip()]
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    except OSError:
        return []
    return [str(number) for number in range(listed.stdout.count("GPU "))]
