"""Aimed at single calls: killed before or after one, or refused by the system."""

import os
import signal

from fault_damage import damage
from fault_hooks import at_call, fail_at_call
from fault_registry import CHECKPOINTED, fault
from fault_trial import Trial


def _stopped(trial: Trial, call: str, number: int, *, after: bool = False) -> None:
    trial.sent.add(signal.SIGKILL)
    trial.run(before=lambda: at_call(call, number, lambda: os.kill(os.getpid(), signal.SIGKILL), after=after))


@fault(only=("report",))
def kill_the_report_while_it_draws(trial: Trial) -> None:
    """SIGKILL as a figure of the report is saved, at a random one."""
    _stopped(trial, "savefig", trial.rng.randrange(8))


@fault(writes=True)
def killed_before_a_rename(trial: Trial) -> None:
    """SIGKILL as a file is about to be renamed, at a random one: what was written lies beside its place."""
    _stopped(trial, "replace", trial.rng.randrange(30))


@fault(writes=True)
def killed_between_two_renames(trial: Trial) -> None:
    """SIGKILL right after a file has been renamed, at a random one: the next one has not."""
    _stopped(trial, "replace", trial.rng.randrange(30), after=True)


@fault(only=CHECKPOINTED)
def killed_between_the_two_checkpoints(trial: Trial) -> None:
    """SIGKILL between the renames of last.ckpt, previous.ckpt and checksums.json, three times."""
    for _ in range(3):
        _stopped(trial, "replace", trial.rng.randrange(12), after=trial.rng.random() < 0.5)


@fault(writes=True)
def killed_at_a_sync(trial: Trial) -> None:
    """SIGKILL at an fsync, at a random one."""
    _stopped(trial, "fsync", trial.rng.randrange(40), after=trial.rng.random() < 0.5)


@fault(writes=True)
def killed_at_an_unlink(trial: Trial) -> None:
    """SIGKILL as a file is taken away, at a random one, in a run that is computed anew or goes on."""
    trial.killed()
    _stopped(trial, "unlink", trial.rng.randrange(6), after=trial.rng.random() < 0.5)


@fault(writes=True)
def kernel_blocks_cut_short(trial: Trial) -> None:
    """SIGKILL while a kernel is written in blocks; then k.npy cut or damaged, or request.json gone or damaged."""
    trial.sent.add(signal.SIGKILL)
    number = trial.rng.randrange(4)
    trial.run(before=lambda: at_call("finish_block", number, lambda: os.kill(os.getpid(), signal.SIGKILL)))
    for path in trial.files("*.npy", "request.json"):
        damage(trial.rng, path)


@fault()
def the_disk_fails(trial: Trial) -> None:
    """EIO from one fsync, rename or open for writing, at a random one."""
    call = trial.rng.choice(["fsync", "replace", "open"])
    number = trial.rng.randrange(20)
    trial.run(before=lambda: fail_at_call(call, number, 5))


@fault()
def the_disk_is_full_at_one_moment(trial: Trial) -> None:
    """ENOSPC or EDQUOT from one fsync, rename or open for writing and all later ones."""
    call, number = trial.rng.choice(["fsync", "replace", "open"]), trial.rng.randrange(20)
    number_of_error = trial.rng.choice([28, 122])
    trial.run(before=lambda: fail_at_call(call, number, number_of_error, for_good=True))
