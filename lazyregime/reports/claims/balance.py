"""Balanced and unbalanced initializations: which of them learn features, and how early [KRD+24]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._balance_trial import trial
from lazyregime.reports.claims._claim import Claim, Expected, Measurement, Size, at_least, at_most
from lazyregime.reports.claims._seeds import Seeds
from lazyregime.reports.reading.files import read_kernels
from lazyregime.reports.tables.tags import tagged

COMMAND = "SIZE=small multirun_scripts/balance.sh"
SIZE = Size("n = {:,.0f}", "n_train", published=0)
LAZINESS = 1.0  # the feature regime's
HALF = "loss_0.5"


def sine(run: pd.Series, when: str) -> float:
    """Of the angle by which the kernel has turned since w0; NaN where it was not looked at."""
    kept = read_kernels(Path(run.path) / "kernels.safetensors", ("gram_init", f"gram_{when}"))
    if f"gram_{when}" not in kept:
        return float("nan")
    a, b = kept["gram_init"], kept[f"gram_{when}"]
    cosine = float(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b))
    return float(np.sqrt(max(0.0, 1 - cosine**2)))


def _three(part: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series] | None:
    """The runs downstream, balanced and upstream, of the largest imbalance."""
    balance = part["config.arch.balance"].astype(float)
    if balance.min() >= 1 or balance.max() <= 1 or not (balance == 1).any():
        return None
    return part.loc[balance.idxmin()], part[balance == 1].iloc[0], part.loc[balance.idxmax()]


def _linear(part: pd.DataFrame) -> float:
    """The larger of the two unbalanced turns over the balanced one, at the end."""
    if (three := _three(part)) is None:
        return float("nan")
    down, balanced, up = (sine(run, "final") for run in three)
    return max(down, up) / balanced


def _upstream(part: pd.DataFrame) -> float:
    if (three := _three(part)) is None:
        return float("nan")
    return sine(three[2], HALF) / sine(three[1], HALF)


def _downstream(part: pd.DataFrame) -> float:
    if (three := _three(part)) is None:
        return float("nan")
    return sine(three[0], HALF) / sine(three[2], HALF)


def _error(part: pd.DataFrame) -> float:
    if (three := _three(part)) is None:
        return float("nan")
    return float(three[2].test_loss / three[0].test_loss)


OF_SEED = {"linear": _linear, "upstream": _upstream, "downstream": _downstream, "error": _error}


def _measure(name: str, runs: pd.DataFrame) -> Measurement | None:
    found = tagged(runs, "balance")
    if found.empty or "config.arch.balance" not in found:
        return None
    activation = "linear" if name == "linear" else "relu"
    found = found[(found["config.arch.activation"] == activation) & np.isclose(found.laziness, LAZINESS)]
    return Seeds.of(found, "arch.balance").each(OF_SEED[name]).measured(f"laziness {LAZINESS:g}")


def _claim(name: str, statement: str, measured: str, expected: Expected) -> Claim:
    return Claim(
        f"balance.{name}", "[KRD+24]", statement, measured, expected, partial(_measure, name), COMMAND,
        trial=partial(trial, name), size=SIZE, explanation="docs/balance.md",
    )  # fmt: skip


CLAIMS = (
    _claim(
        "linear", "In linear networks only a balanced initialization learns features.",
        "turn (sine) of the kernel, the larger unbalanced one over the balanced one, at the end", at_most(0.5),
    ),
    _claim(
        "upstream", "With ReLUs a faster first layer learns features at least as early as a balanced initialization.",
        "turn of the kernel when half of the loss is gone, upstream over balanced", at_least(1),
    ),
    _claim(
        "downstream", "With ReLUs a faster readout delays them.",
        "turn of the kernel when half of the loss is gone, downstream over upstream", at_most(0.5),
    ),
    _claim(
        "error", "With ReLUs a faster first layer generalizes better than a faster readout.",
        "test loss at the end, upstream over downstream", at_most(1),
    ),
)  # fmt: skip
