"""Run folders as one table: one row a run, finished or not."""

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from lazyregime.errors import LazyRegimeError
from lazyregime.reports.reading.folder import find_runs, read_run

FIRST_COLUMNS = (
    *("path", "status", "reason", "name", "id", "group", "data", "arch", "width", "regime", "alpha", "seed"),
    *("test_accuracy", "kernel_accuracy_adh_init", "kernel_accuracy_adh_final"),
    *("kernel_accuracy_poster_init", "kernel_accuracy_poster_final", "kernel_change", "kernel_distance"),
    *("kernel_alignment_init", "kernel_alignment_final", "parameter_displacement", "verdict", "num_params"),
    *("n_train", "epochs", "num_anchors", "num_test_probe", "seconds", "finished"),
)
NUMBERS = frozenset(FIRST_COLUMNS[8:]) - {"regime", "verdict", "finished"}

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def load_runs(path_or_paths: Paths, *, recompute: bool = False) -> pd.DataFrame:
    """Read run folders, or folders of them at any depth, into a table with one row a run.

    The columns are the scalars of result.json, the resolved configuration under `config.` (as in
    `config.optimizer.lr`), `path`, `status` as `lazyregime sweeps status` has it (complete, running, interrupted,
    failed, damaged, not started) and `reason`: why a run is not complete, or which values of a complete one cannot be
    right and are not read.

    Args:
        path_or_paths: A run folder, a group of them, `runs` itself, or several of these.
        recompute: Compute what is missing in complete runs from the kernels that they keep: metrics that are younger
            than the runs. A run whose kernels cannot be read says so as its `reason`.

    Raises:
        LazyRegimeError: If a path does not exist or holds no run.
    """
    given = [path_or_paths] if isinstance(path_or_paths, str | os.PathLike) else list(path_or_paths)
    if not given:
        raise LazyRegimeError("No path was given: name at least one run folder, or a folder that holds runs.")
    folders = {folder.resolve(): folder for path in given for folder in _runs_at(Path(path))}
    rows = [read_run(folder) for folder in folders.values()]
    return as_table([with_metrics(row) for row in rows] if recompute else rows)


def with_metrics(row: dict[str, object]) -> dict[str, object]:
    """A row with the metrics that the run's kernels tell and its result does not."""
    from lazyregime.measure import recompute

    if row["status"] != "complete":
        return row
    try:
        found = recompute(str(row["path"]))
    except LazyRegimeError as error:
        return row | {"reason": str(error)}
    return {name: value for name, value in found.items() if value is not None} | row


def as_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows of `read_run` with the columns every reader may rely on, in a steady order."""
    runs = pd.DataFrame(rows)
    others = sorted((name for name in runs.columns if name not in FIRST_COLUMNS), key=lambda s: ("." in s, s))
    runs = runs.reindex(columns=[*FIRST_COLUMNS, *others])
    for name in NUMBERS:
        runs[name] = pd.to_numeric(runs[name], errors="coerce")
    return runs


def _runs_at(path: Path) -> list[Path]:
    if not path.exists():
        raise LazyRegimeError(f"{path} does not exist: give a run folder or a folder that holds runs, such as runs/.")
    if not path.is_dir():
        raise LazyRegimeError(f"{path} is a file: give the run folder that holds it, or a folder that holds runs.")
    folders = list(find_runs(path))
    if not folders:
        raise LazyRegimeError(
            f"{path} holds no run (no config.yaml or result.json at any depth): "
            "make one with `python -m lazyregime.train`, or give another folder."
        )
    return folders
