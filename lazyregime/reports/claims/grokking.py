"""Grokking as the passage from lazy to rich [KBGP24], and what of it is the step size and the decay [SMO26]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._claim import Claim, Expected, Measurement, Size, at_least, at_most
from lazyregime.reports.claims._grokking_trial import trial
from lazyregime.reports.claims._seeds import Seeds
from lazyregime.reports.reading.files import read_metrics
from lazyregime.reports.tables.tags import tagged

COMMAND = "SIZE=small multirun_scripts/grokking.sh"
SIZE = Size("n = {:,.0f}", "n_train", published=0)
LAZINESS = 4.0  # of the claim on the kernel; chosen before the runs
DECAY = "config.optimizer.weight_decay"


def curves(run: pd.Series) -> pd.DataFrame:
    """What was measured over flow time, from after w0 on."""
    rows = read_metrics(Path(run.path) / "metrics.csv")
    return rows.assign(train=rows.train_loss / rows.train_loss.iloc[0], test=rows.test_loss / rows.test_loss.iloc[0])


def half_time(rows: pd.DataFrame, of: str) -> float:
    """When that loss is first below half of the initial one; infinite if it never is."""
    below = rows[rows[of] < 0.5]
    return math.inf if below.empty else float(below.time.iloc[0])


def at_time(rows: pd.DataFrame, column: str, time: float) -> float:
    """A quantity that the probe saw now and then, at that time: linear in the logarithm of time."""
    seen = rows[rows[column].notna() & (rows.time > 0)]
    return float(np.interp(math.log(time), np.log(seen.time), seen[column])) if math.isfinite(time) else math.nan


def _times(run: pd.Series) -> tuple[float, float]:
    """Of training and test loss; the end of the flow, a lower bound, if the test loss never falls."""
    rows = curves(run)
    return half_time(rows, "train"), min(half_time(rows, "test"), float(rows.time.iloc[-1]))


def _slope(of_times: Callable[[float, float, float], float], part: pd.DataFrame) -> float:
    """The exponent of a positive quantity of each run in laziness."""
    if part.laziness.nunique() < 2:
        return math.nan
    values = [of_times(*_times(run), run.laziness) for _, run in part.iterrows()]
    if not all(0 < value < math.inf for value in values):
        return math.nan
    return float(np.polyfit(np.log(part.laziness.astype(float)), np.log(values), 1)[0])


def _rich(part: pd.DataFrame) -> float:
    train, test = _times(part.loc[part.laziness.idxmin()])
    return test / train


def _kernel(part: pd.DataFrame) -> float:
    """The part of the rise of the alignment until the test loss falls that comes after the training loss has fallen."""
    here = part[np.isclose(part.laziness, LAZINESS)]
    if here.empty:
        return math.nan
    rows = curves(here.iloc[0])
    train, test = (at_time(rows, "kernel_alignment", half_time(rows, of)) for of in ("train", "test"))
    first = float(rows.kernel_alignment.iloc[0])
    return (test - train) / (test - first)


def _decay(part: pd.DataFrame) -> float:
    """Test loss under a decay as at laziness 1, over that under one which is co-scaled with alpha."""
    lazy = part[part.laziness == part.laziness.max()].sort_values(DECAY)
    return float(lazy.test_loss.iloc[-1] / lazy.test_loss.iloc[0]) if len(lazy) == 2 else math.nan


OF_SEED: dict[str, Callable[[pd.DataFrame], float]] = {
    "delay": partial(_slope, lambda train, test, _: test / train),
    "steps": partial(_slope, lambda train, test, alpha: (test - train) / alpha**2),
    "rich": _rich,
    "kernel": _kernel,
    "decay": _decay,
}


def decayed(runs: pd.DataFrame, does: bool) -> pd.DataFrame:
    """The runs with, or without, a weight decay."""
    decay = runs[DECAY].notna() if DECAY in runs else pd.Series(False, runs.index)
    return runs[decay == does]


def _measure(name: str, runs: pd.DataFrame) -> Measurement | None:
    found = tagged(runs, "grokking")
    if found.empty:
        return None
    found = decayed(found, name == "decay")
    return Seeds.of(found, "alpha", "optimizer.weight_decay").each(OF_SEED[name]).measured()


def _claim(name: str, source: str, statement: str, measured: str, expected: Expected) -> Claim:
    return Claim(
        f"grokking.{name}", source, statement, measured, expected, partial(_measure, name), COMMAND,
        trial=partial(trial, name), size=SIZE, explanation="docs/grokking.md",
    )  # fmt: skip


CLAIMS = (
    _claim(
        "delay", "[KBGP24]", "The lazier, the later the test loss falls after the training loss.",
        "exponent in laziness of the time to half the test loss over that to half the training loss", at_least(0),
    ),
    _claim(
        "rich", "[KBGP24]", "A rich network does not grok: both fall together.",
        "time to half the test loss over that to half the training loss, at the smallest laziness", at_most(2),
    ),
    _claim(
        "kernel", "[KBGP24]", "The kernel aligns with the target after the training loss has fallen.",
        "part of the rise of CKA until the test loss falls that follows the training loss, laziness 4", at_least(0.5),
    ),
    _claim(
        "steps", "[SMO26]", "With one step size for all alpha the delay in steps says the opposite.",
        "exponent in laziness of the delay in steps of one size, (t_test - t_train) / alpha^2", at_most(0),
    ),
    _claim(
        "decay", "[SMO26]", "A weight decay that is not co-scaled with alpha changes what a lazy network learns.",
        "test loss at the end under decay mu over that under mu / alpha, at the largest laziness", at_least(2),
    ),
)  # fmt: skip
