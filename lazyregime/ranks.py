"""Several processes of one run, on one machine or many: each computes its share, the first alone writes and speaks."""

import os

# torchrun and Lightning, Lightning's own children, srun
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


def is_first_process() -> bool:
    """Whether this process is the one that writes."""
    return all(os.environ.get(rank, "0") == "0" for rank in _RANKS)
