"""Surroundings: torch's defaults, the environment, names of folders, and results that were asked for again."""

import os
import signal

from fault_registry import fault
from fault_trial import SCENARIOS, NotPossibleError, Trial, filled


@fault(writes=True)
def another_default_of_torch(trial: Trial) -> None:
    """Other defaults of torch around it (dtype, grad mode, determinism, autocast): killed, or to its end."""
    import torch

    def surround() -> None:
        trial.rng.choice([
            lambda: torch.set_default_dtype(torch.float64),
            lambda: torch.set_grad_enabled(False),
            lambda: torch.use_deterministic_algorithms(True),
            lambda: torch.autocast("cpu", torch.bfloat16).__enter__(),
            lambda: torch.set_float32_matmul_precision("medium"),
            lambda: torch.inference_mode().__enter__(),
        ])()  # fmt: skip

    running = trial.start(before=surround)
    if trial.rng.random() < 0.5:
        running.wait_for(trial.moment())
        trial.send(running, signal.SIGKILL)
    trial.end(running)


@fault(writes=True)
def more_threads_in_the_environment(trial: Trial) -> None:
    """Torch begins with 3 threads; the configuration says num_threads=1."""
    import torch

    running = trial.start(before=lambda: torch.set_num_threads(3), environment={"OMP_NUM_THREADS": "3"})
    running.wait_for(trial.moment())
    trial.send(running, signal.SIGKILL)
    trial.end(running)


@fault()
def an_odd_environment(trial: Trial) -> None:
    """No home, no temporary folder, TERM=dumb, COLUMNS=1, another time zone, LANG=C."""
    odd = {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "TERM": "dumb", "COLUMNS": "1", "TZ": "Asia/Kathmandu",
           "LANG": "C", "LC_ALL": "C", "XDG_CONFIG_HOME": "/proc/x", "MPLCONFIGDIR": "/proc/x"}  # fmt: skip
    names = trial.rng.sample(sorted(odd), 4)
    trial.run(environment={name: odd[name] for name in names})


@fault(writes=True)
def runs_in_an_odd_place(trial: Trial) -> None:
    """LAZYREGIME_RUNS is /dev/null, /proc/x, a plain file, an open one or a link in a circle; then it is not set."""
    (trial.folder / "plain").write_text("x")
    (trial.folder / "circle").symlink_to(trial.folder / "circle")
    places = ["/dev/null", "/proc/x", str(trial.folder / "plain"), str(trial.folder / "circle"), "/proc/self/fd/0"]
    trial.run(environment={"LAZYREGIME_RUNS": trial.rng.choice(places)})


@fault()
def a_folder_with_an_odd_name(trial: Trial) -> None:
    """Everything lies in a folder named `a, b=(c) ~é $x'"`; killed in the middle."""
    odd = trial.folder / """a, b=(c) ~é $x'"[1] {2}"""
    trial.cwd.rename(odd)
    trial.cwd = odd
    trial.killed()


@fault(writes=True)
def an_odd_umask(trial: Trial) -> None:
    """Umask 0277: what it writes it may not write again."""
    trial.run(before=lambda: os.umask(0o277))


@fault(writes=True)
def rerun_killed(trial: Trial) -> None:
    """All is complete; the command with rerun=true is killed at a random moment, and given again until it ends."""
    if trial.command[0] == "sweeps":
        raise NotPossibleError("resubmit takes no rerun=true")
    trial.run()
    again = [*trial.command, "rerun=true"]
    running = trial.start(again)
    running.wait_for(trial.moment())
    trial.send(running, signal.SIGKILL)
    trial.end(running)
    trial.run(again)
    for record in trial.files(".sweeps/*.json"):  # that of another command
        if "rerun=true" in record.read_text():
            record.unlink()


@fault(only=("fit of a network",))
def network_not_finished(trial: Trial) -> None:
    """The run whose network is wanted is not complete: refused, and right when that run has been finished."""
    network = trial.cwd / trial.command[-1].partition("=")[2]
    (network / "result.json").unlink()
    refused = trial.run()
    if refused.code != 2 or "finish it by its own command" not in refused.err:
        trial.troubles.append(f"a network that is not finished is taken: {refused.code} {refused.err[-300:]}")
    trial.run(filled(SCENARIOS["train sweep"].command, trial.cwd))
