"""What is taken away, moved or left over."""

import os
import shutil
from collections.abc import Callable

from fault_registry import CHECKPOINTED, fault
from fault_trial import NotPossibleError, Trial


def _while_running(trial: Trial, do: Callable[[], object]) -> None:
    running = trial.start()
    running.wait_for(trial.moment(0.9))
    do()
    trial.end(running)


@fault(writes=True)
def the_run_is_deleted_while_it_runs(trial: Trial) -> None:
    """Rm -r of the run's folder, or of runs, while it runs."""
    target = trial.rng.choice([*trial.expected(), trial.cwd / "runs"])
    kept = trial.folder / "needed"
    shutil.copytree(trial.cwd, kept)
    _while_running(trial, lambda: shutil.rmtree(target, ignore_errors=True))
    if trial.scenario.needs:  # what the command stands on is no loss of ours
        shutil.rmtree(trial.cwd)
        shutil.move(kept, trial.cwd)


@fault(only=CHECKPOINTED)
def its_checkpoints_are_deleted_while_it_runs(trial: Trial) -> None:
    """Rm -r of checkpoints while it runs."""
    _while_running(trial, lambda: [shutil.rmtree(run / "checkpoints", ignore_errors=True) for run in trial.runs()])


@fault(writes=True)
def runs_is_moved_while_it_runs(trial: Trial) -> None:
    """`runs` gets another name while it runs, and its own again afterwards."""
    runs, away = trial.cwd / "runs", trial.cwd / "away"
    _while_running(trial, lambda: runs.exists() and runs.rename(away))
    if away.exists():
        shutil.rmtree(runs, ignore_errors=True)
        away.rename(runs)


@fault(writes=True)
def the_working_directory_is_deleted(trial: Trial) -> None:
    """Rm -r of the directory in which the command was given, while it runs."""
    if trial.scenario.needs:
        raise NotPossibleError("the runs that it needs are in there")
    _while_running(trial, lambda: shutil.rmtree(trial.cwd, ignore_errors=True))
    trial.cwd.mkdir(exist_ok=True)


@fault(writes=True)
def what_killed_writers_leave(trial: Trial) -> None:
    """Half-written files of killed processes lie about, and a lock that nobody holds."""
    trial.partly()
    for run in trial.expected():
        run.mkdir(parents=True, exist_ok=True)
        (run / ".result.1-abc.tmp.json").write_text("{")
        (run / "lock").write_text(trial.rng.choice(["", "{", "null", "[" * 9999, '{"host": "x", "pid": 1}']))
    for result in trial.files("result.json"):
        result.unlink()  # what lies in a complete run stays there


@fault(writes=True)
def odd_times(trial: Trial) -> None:
    """All files are from 1970 or from 2100: the clock was wrong."""
    trial.partly()
    for path in [*trial.files("*"), *trial.runs()]:
        os.utime(path, (when := trial.rng.choice([0, 4102444800]), when))
