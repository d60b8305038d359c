"""Kernel machines and networks in one table: model, data, size, risk over that of zero, accuracy."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportGeneralTypeIssues=false

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lazyregime.reports.tables.averages import with_keys

PLACE = ("key", "network", "regime", "machine", "init_seed", "data_seed", "finished")  # by which runs may be averaged
PREFIXES = ("config.data.", "target_power_")
READ = (
    *(
        "command",
        "loss",
        "test_loss",
        "test_risk",
        "machine",
        "shift",
        "num_features",
        "width",
        "n_train",
        "population",
    ),
    *("test_accuracy", "seed", "chosen_by", "selected_on", "at", "path", "config.machine.which"),
)
COLUMNS = (
    *("model", "data", "target", "dimension", "tau", "kappa", "shift", "num_features", "n_train", "n_test"),
    *("population", "powers", "risk", "accuracy", "seed", "chosen_by", "at", "path"),
    *PLACE,
)


def linearized_runs(runs: pd.DataFrame, group: str) -> pd.DataFrame:
    """The complete runs of one group, those of `fit` and of `train`, one row each; see COLUMNS."""
    chosen = with_keys(runs[(runs.status == "complete") & (runs.group == group)])
    needed = [name for name in chosen if name in READ or name in PLACE or str(name).startswith(PREFIXES)]
    chosen = chosen[needed]
    return pd.DataFrame([_row(run) for run in chosen.to_dict("records")], columns=pd.Index(COLUMNS))


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    is_fit = run.get("command") == "fit"
    data = {key.removeprefix("config.data."): v for key, v in run.items() if key.startswith("config.data.")}
    powers = _powers(run, data)
    loss = run.get("test_loss") if run.get("loss") in ("mse", None) else None  # another loss is no risk
    # the loss of a network is half the mean square; one-hot labels have mean square 1
    risk = run.get("test_risk") if is_fit else None if loss is None else 2 * loss / (sum(powers) or 1.0)
    return {
        "model": _machine(run) if is_fit else "net",
        "data": data.get("name"),
        "target": data.get("target"),
        **{key: _number(data.get(key)) for key in ("dimension", "tau", "kappa")},
        "shift": _number(run.get("shift")),
        "num_features": _number(run.get("num_features") if is_fit else run.get("width")),
        "n_train": _number(run.get("n_train")),
        "n_test": _number(data.get("n_test")),
        "population": run.get("population") is True,
        "powers": powers,
        "risk": _number(risk),
        "accuracy": _number(run.get("test_accuracy")),
        "seed": run.get("seed"),
        "chosen_by": run.get("chosen_by") if is_fit else run.get("selected_on"),
        "at": run.get("at"),
        "path": run.get("path"),
        **{name: run.get(name) for name in PLACE},
    }


def _machine(run: Mapping[str, Any]) -> object:
    """Its name; the covariance of an infinite network's outputs is another machine than its tangent kernel."""
    machine = run.get("machine")
    return f"{machine}_nngp" if run.get("config.machine.which") == "nngp" else machine


def _powers(run: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[float, ...]:
    """||P_k f||^2: as the fit measured them, else as configured; relu of a unit vector has E f^2 = 1/2."""
    told = [_number(run.get(f"target_power_{k}")) for k in range(12)]
    measured = tuple(p for p in told if not math.isnan(p))
    if measured:
        return measured
    if data.get("target") == "neuron":
        return (0.5,) if data.get("neuron") == "relu" else ()
    text = data.get("target_powers")
    try:
        return tuple(float(p) for p in text.split(", ")) if isinstance(text, str) else ()
    except ValueError:
        return ()


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
