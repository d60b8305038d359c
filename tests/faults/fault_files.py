"""Damaged files, of complete and of half runs."""

import shutil

from fault_damage import DAMAGES, damage
from fault_registry import CHECKPOINTED, fault
from fault_trial import Trial


def _damaged(trial: Trial, *patterns: str, every: bool = False, how: str | None = None) -> None:
    trial.partly()
    there = trial.files(*patterns)
    for path in there if every else there and [trial.rng.choice(there)]:
        damage(trial.rng, path, how)
    if trial.scenario.only_reads or trial.rng.random() < 0.3:
        trial.run(["sweeps", trial.rng.choice(["status", "verify"]), "runs"])
    if trial.scenario.only_reads:
        trial.run()


def _kind_of_damage(name: str, what: str, *patterns: str, **options: object) -> None:
    def do(trial: Trial) -> None:
        _damaged(trial, *patterns, **options)

    do.__name__, do.__doc__ = name, what
    fault()(do)


HOW = f"({', '.join(DAMAGES)})"
_kind_of_damage("damaged_result", f"result.json {HOW}.", "result.json")
_kind_of_damage("damaged_metrics", f"metrics.csv {HOW}.", "metrics.csv")
_kind_of_damage("damaged_config", f"config.yaml {HOW}.", "config.yaml")
_kind_of_damage("damaged_kernels", f"kernels.safetensors {HOW}.", "kernels.safetensors")
_kind_of_damage("damaged_figure", f"A figure {HOW}.", "*.png")
_kind_of_damage("damaged_null", f"The file of two initializations in .nulls {HOW}.", ".nulls/*.json")
_kind_of_damage("damaged_record_of_a_sweep", f"A file in .sweeps {HOW}.", ".sweeps/*.json")
_kind_of_damage("any_file_damaged", f"One file of any kind {HOW}.", "*")
_kind_of_damage("every_file_damaged", f"Every file, each in its own way {HOW}.", "*", every=True)
_kind_of_damage("a_power_cut", "Every file of a run is empty.", "*-*/*", every=True, how="empty")
_kind_of_damage(
    "files_of_zeros", "Every file of a run has its length and holds zeros.", "*-*/*", every=True, how="zeros"
)
_kind_of_damage("deeply_nested", "A JSON file holds 100,000 brackets.", "*.json", how="nested")
_kind_of_damage(
    "status_complete_only", '`{"status": "complete"}` is all that result.json says.', "result.json", how="complete"
)
_kind_of_damage(
    "not_utf_8", "A text file begins with bytes that are no UTF-8.", "*.json", "*.csv", "*.yaml", how="not utf-8"
)


def _kind_of_checkpoint(name: str, what: str, *patterns: str, **options: object) -> None:
    def do(trial: Trial) -> None:
        trial.killed()
        there = trial.files(*patterns)
        for path in there if options.get("every") else there and [trial.rng.choice(there)]:
            damage(trial.rng, path)

    do.__name__, do.__doc__ = name, what
    fault(only=CHECKPOINTED)(do)


_kind_of_checkpoint("damaged_last_checkpoint", f"Killed, and then last.ckpt {HOW}.", "last.ckpt")
_kind_of_checkpoint("damaged_checkpoint_before", f"Killed, and then previous.ckpt {HOW}.", "previous.ckpt")
_kind_of_checkpoint("both_checkpoints_damaged", f"Killed, and then both {HOW}.", "*.ckpt", every=True)
_kind_of_checkpoint("damaged_checksums", f"Killed, and then checksums.json {HOW}.", "checksums.json")


@fault(writes=True)
def a_file_of_another_run(trial: Trial) -> None:
    """Two runs of a sweep, or a run and a damaged copy, exchange a file."""
    trial.partly()
    runs = trial.runs()
    if len(runs) < 2:
        return
    a, b = trial.rng.sample(runs, 2)
    name = trial.rng.choice(
        ["result.json", "metrics.csv", "kernels.safetensors", "config.yaml", "checkpoints/last.ckpt"]
    )
    if (a / name).is_file() and (b / name).is_file():
        shutil.copy(a / name, b / name)
