"""Whether the launcher of a sweep is there, and fits the runs, before anything is started."""

import os
import shutil
from collections.abc import Sequence
from importlib.util import find_spec

from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.devices import num_processes
from lazyregime.app.compose.hints import ConfigError

_NEEDS = {
    "slurm": "hydra_plugins.hydra_submitit_launcher",
    "slurm_cpu": "hydra_plugins.hydra_submitit_launcher",
    "joblib": "hydra_plugins.hydra_joblib_launcher",
}
_ONE_PROCESS_A_RUN = ("basic", "joblib")


def check_launcher(launcher: str, configs: Sequence[ConfigDict], *, is_sweep: bool) -> None:
    """Refuse a launcher that is not installed, that is of no use here, or that cannot start a run's processes.

    Raises:
        ConfigError: Saying what to do.
    """
    if not is_sweep:
        if launcher != "basic":
            raise ConfigError(f"hydra/launcher={launcher} starts sweeps; add -m, also where there is one run only.")
        if "SLURM_NTASKS" not in os.environ and any((c.get("trainer") or {}).get("num_nodes", 1) > 1 for c in configs):
            raise ConfigError("trainer.num_nodes is for several machines; start it with -m hydra/launcher=slurm.")
        return
    needed = _NEEDS.get(launcher)
    if needed is not None and find_spec(needed) is None:
        package = needed.rpartition(".")[2].replace("_", "-")
        raise ConfigError(
            f"hydra/launcher={launcher} needs {package}; install it with pip install 'lazyregime[slurm]'."
        )
    if launcher.startswith("slurm") and shutil.which("sbatch") is None:
        raise ConfigError(
            f"hydra/launcher={launcher} submits with sbatch, which this machine has not; start it on a cluster's login "
            "node, or use hydra/launcher=joblib or local_gpus here."
        )
    several = max(num_processes(config) for config in configs)
    if several > 1 and launcher in _ONE_PROCESS_A_RUN:
        raise ConfigError(
            f"a run of {several} processes (trainer.devices x trainer.num_nodes) cannot be part of a sweep with "
            f"hydra/launcher={launcher}: each process would start the whole sweep. Use hydra/launcher=slurm, or "
            "local_gpus on one machine, or one device a run."
        )
