"""The curves of a run: every column of metrics.csv along its axis, and what only the result says of their ends."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lazyregime.reports.reading.folder import read_metrics, read_run

AXES = ("epoch", "time", "ridge")  # the first that there is
NOT_CURVES = {*AXES, "step", "seconds", "steps", "attempts"}
MOST_POINTS = 400
Curve = list[list[float]]  # [x, y] each


def series_of(folder: Path) -> dict[str, Any]:
    """{"axis": its name, "curves": {column: [[x, y], ..]}}; a column without any number is left out."""
    metrics = read_metrics(folder / "metrics.csv")
    if metrics.empty:
        return {"axis": "row", "curves": {}}
    axis = next((name for name in AXES if name in metrics), "row")
    x = metrics[axis].to_numpy(float) if axis in metrics else np.arange(len(metrics), dtype=float)
    with_ends = _with_ends(metrics, read_run(folder), x)
    curves = {name: _curve(x, with_ends[name].to_numpy(float)) for name in with_ends if name not in NOT_CURVES}
    return {"axis": axis, "curves": {str(name): curve for name, curve in curves.items() if curve}}


def _with_ends(metrics: pd.DataFrame, run: Mapping[str, Any], x: np.ndarray) -> pd.DataFrame:
    """With what was measured at initialization and after training, where the rows do not say it."""
    table = metrics.copy()
    last = _row_of_the_end(x, run)
    for name in [*table, *(key.removesuffix("_final") for key in run if key.endswith("_final"))]:
        for row, key in ((0, f"{name}_init"), (last, f"{name}_final"), (last, name)):
            value = run.get(key)
            if not _is_number(value) or (name not in table and f"{name}_init" not in run):
                continue
            if name not in table:
                table[name] = np.nan
            if math.isnan(table[name].iloc[row]):
                table.iloc[row, table.columns.get_loc(name)] = float(value)  # pyright: ignore
    return table


def _row_of_the_end(x: np.ndarray, run: Mapping[str, Any]) -> int:
    """That of the weights that were selected, or the last one."""
    chosen = np.flatnonzero(x == run.get("selected_epoch")) if _is_number(run.get("selected_epoch")) else []
    return int(chosen[0]) if len(chosen) else len(x) - 1


def _curve(x: np.ndarray, y: np.ndarray) -> Curve:
    """The points that are there, at most so many of them, both ends included."""
    there = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(there) > MOST_POINTS:
        there = there[np.unique(np.linspace(0, len(there) - 1, MOST_POINTS).round().astype(int))]
    return [[float(x[i]), float(y[i])] for i in there]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
