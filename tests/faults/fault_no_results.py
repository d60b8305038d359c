"""Numbers that are no results, memory that is not there, settings that are no part of a result, and wandb's history."""

import json
import resource
import shutil
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from fault_registry import CHECKPOINTED, fault
from fault_trial import Trial

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # wandb_file reads what wandb wrote
NO_RESULTS = {
    "train": (["optimizer.lr=1e3"], ["optimizer.lr=1e30"], ["regime=scaled", "alpha=1e30"],
              ["regime=scaled", "alpha=1e7"], ["optimizer.lr=1e-30"], ["width=200000", "arch.depth=3"]),
    "gradient flow": (["optimizer.max_steps=0"], ["optimizer.max_steps=1"], ["alpha=1e30"], ["alpha=1e-30"],
                      ["width=20000000000"]),
    "fit": (["data.noise_std=1e300"], ["data.noise_std=1e155"], ["ridges=[1e300]"], ["ridges=[inf]"], ["ridges=[0]"]),
}  # fmt: skip


@fault(only=("train", "gradient flow", "fit"))
def numbers_that_are_no_results(trial: Trial) -> None:
    """Beside it: it diverges, is cancelled, does not move, has no finite risk, or cannot fit. None is silent."""
    changed = trial.rng.choice(NO_RESULTS[trial.scenario.name])
    ended = trial.run([*trial.command, *changed, "group=beside"])
    beside = trial.cwd / "runs" / "beside"
    results = [json.loads(path.read_text()) for path in beside.rglob("result.json")]
    silent = [r["name"] for r in results if not r.get("warnings") and not _is_a_number(r)]
    if ended.code == 0 and (not results or silent):
        trial.troubles.append(f"{changed} ends with 0 and no warning: {silent}")
    trial.run(["sweeps", "status", "runs"])
    trial.run(["report", "runs", "--out", "../seen"])
    shutil.rmtree(trial.folder / "seen", ignore_errors=True)
    shutil.rmtree(beside, ignore_errors=True)


def _is_a_number(result: dict[str, object]) -> bool:
    """Whether a fit has a risk: ridges of 0 and 1e300 have, of a kind."""
    return result["command"] == "fit" and isinstance(result.get("test_risk"), float)


@fault(writes=True)
def out_of_memory(trial: Trial) -> None:
    """RLIMIT_AS of up to 300 MB more than there is already."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    amount = now + int(10 ** trial.rng.uniform(4, 8.5))
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    trial.run(before=lambda: resource.setrlimit(resource.RLIMIT_AS, (amount, most)))


def _killed_otherwise(trial: Trial, *overrides: str) -> None:
    """The command with settings that are no part of what comes out, killed in the middle."""
    running = trial.start([*trial.command, *overrides])
    running.wait_for(trial.moment())
    trial.send(running, signal.SIGKILL)
    trial.end(running)
    for record in trial.files(".sweeps/*.json"):  # that of another command
        if any(override in record.read_text() for override in overrides):
            record.unlink()


@fault(only=CHECKPOINTED)
def another_memory_budget(trial: Trial) -> None:
    """Begun, or ended, with another `ntk.memory_budget`; the kernels must be the same bit for bit."""
    _killed_otherwise(trial, f"ntk.memory_budget={trial.rng.choice([100_000, 10**6, 10**9])}")


@fault(only=("gradient flows together",))
def flows_alone_before_together(trial: Trial) -> None:
    """Some flows of the sweep are computed alone, killed or to their ends, before all are stepped together."""
    common = [word for word in trial.command if word != "-m" and not word.startswith(("alpha=", "init_seed="))]
    for alpha, seed in trial.rng.sample([("0.1", 0), ("0.1", 1), ("10", 0), ("10", 1)], 2):
        running = trial.start([*common, f"alpha={alpha}", f"init_seed={seed}"])
        if trial.rng.random() < 0.5:
            running.wait_for(trial.moment(0.5))
            trial.send(running, signal.SIGKILL)
        trial.end(running)


@fault(only=("long sweep",))
def a_long_sweep_killed_again_and_again(trial: Trial) -> None:
    """SIGKILL, SIGTERM or SIGINT at random moments of six attempts at many runs."""
    for _ in range(6):
        running = trial.start()
        running.wait_for(trial.moment(0.5))
        trial.send(running, trial.rng.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        trial.end(running)


@fault(only=("train", "fit", "flow", "gradient flow"))
def wandb_after_kills(trial: Trial) -> None:
    """With tracking=wandb, killed twice, then to its end: the history in wandb is metrics.csv, row for row."""
    from wandb_file import history, wandb_runs

    from lazyregime.runs.tables import read_rows
    from lazyregime.tracking.names import tracked_names

    with_wandb = [word.replace("tracking=csv", "tracking=wandb") for word in trial.command]
    for _ in range(2):
        running = trial.start(with_wandb)
        running.wait_for(trial.moment(2.5))  # wandb takes its time
        trial.send(running, signal.SIGKILL)
        trial.end(running)
    ended = trial.run(with_wandb)
    for folder in {path.parent for path in (trial.cwd / "runs").rglob("wandb")}:
        parts = wandb_runs(folder, patience=0)
        (metrics,) = folder.glob("*/metrics.csv")
        mine, rows = (_as_numbers(each) for each in (history(parts[-1]), map(tracked_names, read_rows(metrics))))
        if ended.code == 0 and mine != rows:
            trial.troubles.append(f"wandb has {len(mine)} rows, metrics.csv {len(rows)}, or they differ")
        shutil.rmtree(folder / "wandb")


def _as_numbers(rows: Iterable[dict[str, object]]) -> list[dict[str, str]]:
    return [{key: repr(float(str(value))) for key, value in row.items()} for row in rows]
