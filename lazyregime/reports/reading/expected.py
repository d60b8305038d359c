"""What result.json must hold where a table reads it: a text, a number, a count, a fraction; else it is not read."""

import math
from collections.abc import Callable

from lazyregime.reports.reading.cleaning import Row

TEXTS = frozenset(
    {
        *("name", "id", "group", "command", "regime", "arch", "loss", "optimizer", "data", "parameterization"),
        *("protocol", "verdict", "selected_on", "machine", "chosen_by", "at", "target", "init", "activation"),
        *("integrator", "scaling", "trained", "flow_status", "device", "host", "started", "finished"),
    }
)
SEEDS = ("seed", "init_seed", "data_seed", "batch_seed")
COUNTS = frozenset(
    {
        *("width", "n_train", "num_params", "epochs", "steps", "num_anchors", "num_test_probe", "num_seeds"),
        *("in_features", "n_samples", "num_features", "dimension"),
    }
)
MEASURES = ("kernel_change", "kernel_distance", "parameter_displacement", "alpha", "laziness", "seconds", "test_risk")
LARGEST_COUNT = 1e15


def wrong_fields(run: Row) -> dict[str, str]:
    """The fields that hold something else than they must, each with the words for what it must be."""
    found = {}
    for key, value in run.items():
        told = _kind(key)
        if told is not None and value is not None and not told[1](value):
            found[key] = told[0]
    return found


def trouble_with(run: Row) -> str:
    """What is wrong with the values of a run, in a sentence; empty if nothing is."""
    wrong = [f"its {key} is {_quoted(run[key])}, which is no {words}" for key, words in wrong_fields(run).items()]
    return "; ".join(wrong) + (", and is not read" if wrong else "")


def _kind(key: str) -> tuple[str, Callable[[object], bool]] | None:
    if key in TEXTS:
        return "text", lambda value: isinstance(value, str)
    if key in SEEDS:
        return "seed", lambda value: _is_number(value) and float(value).is_integer()  # pyright: ignore
    if key in COUNTS:
        return "count", lambda value: _is_count(value, least=1 if key == "width" else 0)
    if key.endswith("_accuracy") or key.startswith("kernel_accuracy_"):
        return "fraction", lambda value: _is_number(value) and (math.isnan(value) or 0 <= value <= 1)  # pyright: ignore
    if key in MEASURES:
        return "measure", lambda value: _is_number(value) and (math.isnan(value) or value >= 0)  # pyright: ignore
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value is not None


def _is_count(value: object, least: int) -> bool:
    return _is_number(value) and least <= value <= LARGEST_COUNT and float(value).is_integer()  # pyright: ignore


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
