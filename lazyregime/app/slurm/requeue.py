"""The end of a job that was told to leave: back into the queue once, unless it was cancelled or is back already."""

import logging
import os
import signal
from typing import NoReturn

from lazyregime.notice import Leaving
from lazyregime.ranks import is_first_process
from lazyregime.runs.slurm_queue import state_of

log = logging.getLogger(__name__)


def leave(leaving: Leaving) -> NoReturn:
    """Requeue the job by submitit's own handler, which has been told how, and end; of several processes, the first.

    SLURM says RUNNING while it announces a preemption or the end of the time; after scancel, or where somebody has
    requeued the job, it says COMPLETING, and there is nothing left to do.

    Raises:
        SystemExit: Always: submitit writes no result then, and the job is not over.
    """
    if not is_first_process():
        raise SystemExit(leaving.code)
    announced = getattr(signal, "SIG" + os.environ.get("SUBMITIT_PREEMPT_SIGNAL", "USR2"))
    state = state_of(os.environ["SLURM_JOB_ID"])
    requeue = signal.getsignal(announced)
    wanted = state == "RUNNING" or (state is None and leaving.signum == announced)
    if wanted and callable(requeue):
        requeue(announced, None)  # exits
    log.warning("Not requeued: %s came, and SLURM says %r.", leaving.why, state)
    raise SystemExit(leaving.code)
