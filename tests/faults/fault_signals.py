"""Signals at random moments."""

import signal
import time

from fault_registry import fault
from fault_trial import Trial


@fault()
def kill(trial: Trial) -> None:
    """SIGKILL at a random moment."""
    trial.killed()


@fault()
def kill_three_times(trial: Trial) -> None:
    """SIGKILL at a random moment of three attempts."""
    for _ in range(3):
        trial.killed()


@fault()
def kill_early(trial: Trial) -> None:
    """SIGKILL in the first tenth, while folders, locks and records are made."""
    running = trial.start()
    running.wait_for(trial.moment(0.1))
    trial.send(running, signal.SIGKILL)
    trial.end(running)


def _told(trial: Trial, *signums: int, pause: float = 0.0, **how: object) -> None:
    running = trial.start(**how)
    running.wait_for(trial.moment())
    for signum in signums:
        trial.send(running, signum)
        running.wait_for(pause)
    trial.end(running)


@fault()
def term(trial: Trial) -> None:
    """SIGTERM at a random moment."""
    _told(trial, signal.SIGTERM)


@fault()
def interrupt(trial: Trial) -> None:
    """SIGINT (Ctrl-C) at a random moment."""
    _told(trial, signal.SIGINT)


@fault()
def interrupt_twice(trial: Trial) -> None:
    """SIGINT twice, up to 0.2 s apart."""
    _told(trial, signal.SIGINT, signal.SIGINT, pause=trial.rng.uniform(0, 0.2))


@fault()
def usr2(trial: Trial) -> None:
    """SIGUSR2 outside of SLURM."""
    _told(trial, signal.SIGUSR2)


@fault()
def usr2_of_a_preemption(trial: Trial) -> None:
    """SIGUSR2 where SLURM_JOB_ID is set, as SLURM announces a preemption."""
    trial.sent.add(signal.SIGTERM)
    _told(trial, signal.SIGUSR2, environment={"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "0"})


@fault()
def hang_up(trial: Trial) -> None:
    """SIGHUP at a random moment: the terminal is lost."""
    _told(trial, signal.SIGHUP)


@fault()
def stop_and_continue(trial: Trial) -> None:
    """SIGSTOP, and SIGCONT up to half a second later."""
    running = trial.start()
    running.wait_for(trial.moment())
    if running.send(signal.SIGSTOP):
        time.sleep(trial.rng.uniform(0.05, 0.5))
        running.send(signal.SIGCONT)
    trial.end(running)


@fault()
def two_signals(trial: Trial) -> None:
    """Two of TERM, INT, HUP, USR2 and KILL, up to 0.1 s apart."""
    choice = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGKILL]
    _told(trial, *trial.rng.sample(choice, 2), pause=trial.rng.uniform(0, 0.1))


@fault()
def term_then_kill(trial: Trial) -> None:
    """SIGTERM, and SIGKILL up to 0.3 s later, as schedulers do."""
    _told(trial, signal.SIGTERM, signal.SIGKILL, pause=trial.rng.uniform(0, 0.3))


@fault(only=("train sweep", "fit sweep", "gradient flows together"))
def kill_the_sweep_twice(trial: Trial) -> None:
    """SIGKILL in the second half of a sweep, and again in what is left of it."""
    for _ in range(2):
        running = trial.start()
        running.wait_for(trial.undisturbed.seconds * trial.rng.uniform(0.4, 1.0))
        trial.send(running, signal.SIGKILL)
        trial.end(running)
