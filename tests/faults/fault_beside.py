"""Several processes at one run."""

import signal

from fault_process import Running
from fault_registry import fault
from fault_trial import Trial


def _two(trial: Trial, share: float) -> tuple[Running, Running]:
    """The command, and once more within a share of what it takes."""
    first = trial.start()
    first.wait_for(trial.moment(share))
    return first, trial.start()


@fault(writes=True)
def the_same_command_beside_it(trial: Trial) -> None:
    """The same command twice at the same time; one may say that the other is at work."""
    first, second = _two(trial, 0.5)
    trial.end(first)
    trial.end(second)


@fault(writes=True)
def one_of_two_is_killed(trial: Trial) -> None:
    """The same command twice at the same time, and one of them is killed."""
    first, second = _two(trial, 0.3)
    first.wait_for(trial.moment(0.7))
    trial.send(trial.rng.choice([first, second]), signal.SIGKILL)
    trial.end(first)
    trial.end(second)


@fault(writes=True)
def looked_at_while_it_runs(trial: Trial) -> None:
    """status, verify and report over and over while it runs."""
    running = trial.start()
    running.wait_for(trial.moment(0.3))
    looks = [["sweeps", "status", "runs"], ["sweeps", "verify", "runs"], ["report", "runs", "--out", "../seen"]]
    for command in trial.rng.sample(looks, 2):
        trial.run(command)
    trial.end(running)
