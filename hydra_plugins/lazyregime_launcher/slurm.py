"""Sweeps on SLURM by hydra-submitit-launcher, which submits and requeues; the run folders decide what to submit."""

# ruff: noqa: D102
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import OmegaConf

from lazyregime.app.compose.resources import register_resolvers
from lazyregime.runs.status import Status

if TYPE_CHECKING:
    _SlurmLauncher = Any
else:
    try:
        from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher as _SlurmLauncher
    except ImportError:  # the extra [slurm]; lazyregime.app.sweeps.launchers says so to who asks for it
        from hydra.plugins.launcher import Launcher as _SlurmLauncher

register_resolvers()  # also in the job, which imports this module to be unpickled

_SHARED = (
    "timeout_min",
    "cpus_per_task",
    "gpus_per_node",
    "tasks_per_node",
    "mem_gb",
    "nodes",
    "name",
    "stderr_to_stdout",
)
_OURS = ("_target_", "submitit_folder", "max_num_timeout", "runs_per_job")


class SlurmSweepLauncher(_SlurmLauncher):
    """conf/hydra/launcher/slurm.yaml says what its settings are."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from lazyregime.app.api import COMMANDS
        from lazyregime.app.console import Console
        from lazyregime.app.slurm.sweep import SweepJob, run_sweep

        command = COMMANDS[self.config.hydra.job.config_name]
        jobs, configs = [], []
        for number, overrides in enumerate(job_overrides, start=initial_job_idx):
            config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
            resources: Any = OmegaConf.to_container(config.hydra.launcher, resolve=True)
            plain = command.complete(command.source.plain(config))
            jobs.append(SweepJob(overrides, number, command.folder(plain), resources))
            configs.append(config)
        run_sweep(jobs, self._submit, Console())
        return [_returned(job, config) for job, config in zip(jobs, configs, strict=True)]

    def __call__(self, runs: Sequence[tuple[list[str], int]], state: dict[Any, Any]) -> None:
        """In the job: its runs, one after the other; a run that is complete is not computed again."""
        from lazyregime.app.slurm.requeue import leave
        from lazyregime.notice import Leaving

        for overrides, number in runs:
            try:
                super().__call__(overrides, "hydra.sweep.dir", number, str(number), state)
            except Leaving as leaving:
                leave(leaving)

    def _submit(self, jobs: Sequence[Any]) -> list[tuple[str, Path]]:
        import submitit

        resources = dict(jobs[0].resources)
        executor = submitit.AutoExecutor(
            cluster="slurm", folder=resources["submitit_folder"], slurm_max_num_timeout=resources["max_num_timeout"]
        )
        asked = {key: value for key, value in resources.items() if key not in _OURS and value is not None}
        executor.update_parameters(**{k if k in _SHARED else f"slurm_{k}": v for k, v in asked.items()})
        size = resources["runs_per_job"]
        packs = [jobs[start : start + size] for start in range(0, len(jobs), size)]
        runs = [[(list(job.overrides), job.number) for job in pack] for pack in packs]
        submitted = executor.map_array(self, runs, [Singleton.get_state()] * len(packs))
        return [(job.job_id, job.paths.stdout) for job, pack in zip(submitted, packs, strict=True) for _ in pack]


def _returned(job: Any, config: Any) -> JobReturn:
    """What Hydra is told of a run; how it failed stands in its folder."""
    complete = job.folder.status() == Status.complete
    returned = JobReturn(overrides=list(job.overrides), cfg=config, status=JobStatus.COMPLETED)
    returned.return_value = job.folder.read_result() if complete else None
    return returned
