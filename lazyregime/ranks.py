"""Several processes of one run, on one machine or many: each computes its share, the first alone writes and speaks."""

import os

from lazyregime.errors import LazyRegimeError

# torchrun and Lightning, Lightning's own children, srun
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
_WORLDS = ("WORLD_SIZE", "SLURM_NTASKS")
_STARTED_TOGETHER = (
    *_RANKS, *_WORLDS, "LOCAL_WORLD_SIZE", "GROUP_RANK", "ROLE_RANK", "TORCHELASTIC_RUN_ID", "SLURM_LOCALID",
    "SLURM_NTASKS_PER_NODE", "SLURM_NPROCS",
)  # fmt: skip


def is_first_process() -> bool:
    """Whether this process is the one that writes."""
    return all(os.environ.get(rank, "0") == "0" for rank in _RANKS)


def is_started_together() -> bool:
    """Whether torchrun or srun has started the processes of a run."""
    return any(name in os.environ for name in _WORLDS)


def forget_what_is_no_rank() -> None:
    """Take away ranks and numbers of tasks that are none (`LOCAL_RANK=-1`): Lightning would fail over them."""
    for name in (*_RANKS, *_WORLDS, "SLURM_LOCALID", "SLURM_NODEID"):
        if not os.environ.get(name, "0").isdecimal():
            del os.environ[name]


def settle_ranks(num_processes: int) -> None:
    """Of several tasks that were started together, make what the run wants of them.

    A run of one process is a run of its own in each task (`srun -n 4 bash -c '... seed=$SLURM_PROCID'`), so that the
    variables by which tasks know each other are taken away; a RANK that was left over goes with them.

    Raises:
        LazyRegimeError: If more tasks were started than the run has processes: the others would end without a result.
    """
    forget_what_is_no_rank()
    ranks = [int(os.environ.get(name, "0")) + 1 for name in _RANKS if os.environ.get(name, "0").isdecimal()]
    worlds = [int(os.environ[name]) for name in _WORLDS if os.environ.get(name, "").isdecimal()]
    started = max(ranks + worlds, default=1)
    if started <= num_processes:
        return
    if num_processes > 1:
        raise LazyRegimeError(
            f"{started} tasks were started ({_said()}) for a run of {num_processes} processes (trainer.devices x "
            "trainer.num_nodes); start as many, or unset these variables if they were left over."
        )
    for name in _STARTED_TOGETHER:
        os.environ.pop(name, None)


def _said() -> str:
    return ", ".join(f"{name}={os.environ[name]}" for name in (*_RANKS, *_WORLDS) if name in os.environ)
