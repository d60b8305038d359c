"""One run as a row of the dashboard's table: what it is, how far it has come, what it has reached."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lazyregime.app.sweeps.record import SweepRecord
from lazyregime.app.sweeps.status import state_of
from lazyregime.reports.reading.cleaning import clean_text
from lazyregime.reports.reading.folder import read_metrics, read_run
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.slurm_queue import QueuedJob
from lazyregime.runs.status import Status

TOLD = ("command", "regime", "arch", "width", "alpha", "data", "seed", "machine", "verdict", "seconds", "finished")
REACHED = ("test_accuracy", "test_loss", "test_risk", "mean_field_risk", "kernel_distance")
Row = dict[str, Any]


def row_of(root: Path, name: str, queue: Mapping[str, QueuedJob], sweep: SweepRecord | None) -> Row:
    """A run below `root`, begun or not; every text is clean, every number finite."""
    path = root / name
    state = state_of(RunFolder.named(path), queue)
    run = read_run(path) if path.is_dir() else {}
    row: Row = {
        "id": name,
        "name": clean_text(path.absolute().name),
        "group": clean_text(str(Path(name).parent)),
        "status": str(state.status),
        "job": clean_text(state.job),
        "host": clean_text(str(state.host)),
        "note": clean_text(state.reason or state.note or str(run.get("reason", "") if _is_over(state.status) else "")),
        "sweep": "" if sweep is None else clean_text(" ".join([sweep.command, *sweep.overrides])),
        "swept": "" if sweep is None else clean_text(" ".join(_swept(run, sweep.swept))),
        "done": int(state.epochs or 0),
        "of": _epochs_to_be(run),
        **{key: plain(run.get(key)) for key in (*TOLD, *REACHED)},
    }
    return row if state.status == Status.complete else row | _so_far(path, row)


def _swept(run: Mapping[str, Any], keys: Sequence[str]) -> Iterator[str]:
    """What tells a run of a sweep from the others."""
    for key in keys:
        value = run.get(f"config.{key}", run.get(key))
        if value is not None:
            yield f"{key.rpartition('.')[2]}={value}"


def plain(value: object) -> object:
    """What JSON has a word for: a number that is none is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, bool | int | None) else clean_text(str(value))


def _is_over(status: Status) -> bool:
    return status in (Status.failed, Status.damaged, Status.complete)


def _epochs_to_be(run: Mapping[str, Any]) -> int | None:
    """How many epochs a training is to have; None for what has no epochs."""
    most = run.get("config.trainer.max_epochs")
    is_flow = run.get("optimizer") == "gradient_flow"
    return most if isinstance(most, int) and not is_flow and 0 < most < 10**9 else None


def _so_far(path: Path, row: Row) -> Row:
    """The last values of a run that is under way, and the seconds that are left to it at its pace."""
    metrics = read_metrics(path / "metrics.csv")
    found: Row = {}
    for key in REACHED:
        if key in metrics and row.get(key) is None:
            values = metrics[key].dropna()
            found |= {key: plain(float(values.iloc[-1]))} if len(values) else {}
    seconds = _last(metrics, "seconds")
    if seconds is not None:
        found["seconds"] = seconds
        if row["of"] and row["done"] and row["status"] == Status.running:
            found["left"] = seconds / row["done"] * max(0, row["of"] - row["done"])
    return found


def _last(metrics: pd.DataFrame, key: str) -> float | None:
    if key not in metrics or metrics.empty:
        return None
    value = float(metrics[key].iloc[-1])
    return value if math.isfinite(value) else None
