"""Exact kernels of infinitely wide networks: better than the kernels of finite ones, and than others [ADH+19]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from lazyregime.reports.claims import Claim, Measurement, Size, at_least, near
from lazyregime.reports.claims._seeds import PerSeed, Seeds
from lazyregime.reports.claims._trial import made_up
from lazyregime.reports.tables.linearized import linearized_runs

COMMAND = "multirun_scripts/adh19.sh"
SETS = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
CIFAR = {3: 0.6447, 4: 0.6552, 6: 0.6603}  # CNTK-V
CNTK_V = {"which": "ntk", "padding": "same", "pooling": "none", "bias": False}
SIZE = Size("n = {:,.0f}", "n_train", published=0)  # findings, of no particular number of samples
CIFAR_SIZE = Size("n = {:,.0f}", "n_train", published=50_000)


def _accuracy(table: pd.DataFrame, at: str | None = None) -> PerSeed:
    return Seeds.of(table if at is None else table[table["at"] == at]).mean("accuracy")


def _of(runs: pd.DataFrame, model: str, data: str) -> pd.DataFrame:
    table = linearized_runs(runs, "adh19")
    return table[(table.model == model) & (table.data == data)]


def _exact_above_finite(data: str, runs: pd.DataFrame) -> Measurement | None:
    """The exact kernel less the empirical one at initialization."""
    return (_accuracy(_of(runs, "mlp_ntk", data)) - _accuracy(_of(runs, "empirical_ntk", data), "init")).measured()


def _convolutional_above_dense(data: str, runs: pd.DataFrame) -> Measurement | None:
    """On the same test images: another number of them moves the accuracy by more than the claim is about."""
    both = [_of(runs, model, data) for model in ("cntk", "mlp_ntk")]
    shared = set(both[0].n_test) & set(both[1].n_test)
    if not shared:
        return None
    tests = max(shared)
    each = [_accuracy(table[table.n_test == tests]) for table in both]
    return (each[0] - each[1]).measured(f"{tests:.0f} test images")


def _cntk_v(runs: pd.DataFrame, depth: int, which: str) -> pd.DataFrame:
    """The published kernel: zero padding and no biases; its depth counts the readout."""
    wanted = CNTK_V | {"depth": depth - 1, "which": which}
    if not {"machine", "test_accuracy", *(f"config.machine.{key}" for key in wanted)} <= set(runs.columns):
        return runs.iloc[:0]
    chosen = runs[(runs.machine == "cntk") & (runs.data == "cifar10")]
    for key, value in wanted.items():
        chosen = chosen[chosen[f"config.machine.{key}"] == value]
    return chosen


def _cifar(depth: int, runs: pd.DataFrame) -> Measurement | None:
    return Seeds.of(_cntk_v(runs, depth, "ntk")).mean("test_accuracy").measured()


def _above_gaussian_process(runs: pd.DataFrame) -> Measurement | None:
    """With the largest number of images that both were fitted on."""
    both = [_cntk_v(runs, 3, which) for which in ("ntk", "nngp")]
    shared = set(both[0].n_train) & set(both[1].n_train) if all(map(len, both)) else None
    if not shared:
        return None
    each = [Seeds.of(table[table.n_train == max(shared)]).mean("test_accuracy") for table in both]
    return (each[0] - each[1]).measured(f"depth 3, {max(shared):,.0f} images")


def _trial(gaps: dict[str, float], folder: Path, obeys: bool) -> pd.DataFrame:
    """Three seeds of each machine; `gaps` are taken from the accuracies where the claim must fail."""
    del folder
    accuracies = {"cntk": 0.82, "mlp_ntk": 0.80, "empirical_ntk": 0.78}
    runs: list[dict[str, Any]] = []
    for data in SETS:
        for machine, accuracy in accuracies.items():
            value = accuracy - (0.0 if obeys else gaps.get(machine, 0.0))
            told = {"machine": machine, "at": "init" if machine == "empirical_ntk" else None, "n_train": 1000}
            told |= {"data": data, "config.data.name": data, "config.data.n_test": 500, "group": "adh19"}
            runs += [{"command": "fit", **told, "seed": s, "test_accuracy": value + 0.002 * (s - 1)} for s in range(3)]
    for depth, published in CIFAR.items():
        told = {"machine": "cntk", "data": "cifar10", "config.machine.depth": depth - 1, "n_train": 50_000}
        told |= {f"config.machine.{key}": value for key, value in CNTK_V.items()}
        for seed in range(3):
            value = published - (0.0 if obeys else gaps.get("cifar10", 0.0)) + 0.001 * (seed - 1)
            runs.append({"command": "fit", **told, "seed": seed, "test_accuracy": value, "group": "adh19"})
            if depth == 3:
                process = value - 0.02 if obeys else value + gaps.get("nngp", 0.0)
                told_of = told | {"config.machine.which": "nngp"}
                runs.append({"command": "fit", **told_of, "seed": seed, "test_accuracy": process, "group": "adh19"})
    return made_up(runs)


CLAIMS = (
    *(
        Claim(
            id=f"adh19.{data}.exact_above_finite",
            source="[ADH+19], abstract",
            statement=f"On {words} the exact kernel is better than the random gradient features of a finite network.",
            measured="accuracy with the exact NTK less that with the NTK of a network of width 512 at initialization",
            expected=at_least(0.0),
            measure=partial(_exact_above_finite, data),
            command=COMMAND,
            trial=partial(_trial, {"mlp_ntk": 0.1}),
            size=SIZE,
            explanation="see docs/adh19.md",
        )
        for data, words in SETS.items()
    ),
    *(
        Claim(
            id=f"adh19.{data}.convolutions",
            source="[ADH+19], table 1",
            statement=f"On {words} the convolutional kernel is better than the fully connected one.",
            measured="accuracy with the CNTK less that with the NTK",
            expected=at_least(0.0),
            measure=partial(_convolutional_above_dense, data),
            command=COMMAND,
            trial=partial(_trial, {"cntk": 0.1}),
            size=SIZE,
            explanation="see docs/adh19.md",
        )
        for data, words in SETS.items()
    ),
    *(
        Claim(
            id=f"adh19.cifar10.cntk_depth_{depth}",
            source="[ADH+19], table 1",
            statement=f"The CNTK of depth {depth} reaches {100 * value:.2f}% on CIFAR-10.",
            measured="accuracy on the test set",
            expected=near(value, 0.02),
            measure=partial(_cifar, depth),
            command=COMMAND,
            trial=partial(_trial, {"cifar10": 0.05}),
            size=CIFAR_SIZE,
        )
        for depth, value in CIFAR.items()
    ),
    Claim(
        id="adh19.cifar10.above_gaussian_process",
        source="[ADH+19], section 5",
        statement="On CIFAR-10 a CNN's exact tangent kernel is better than the Gaussian process of the same CNN.",
        measured="accuracy with CNTK-V less that with the covariance of the Gaussian process, depth 3",
        expected=at_least(0.0),
        measure=_above_gaussian_process,
        command=f"SIZE=medium {COMMAND}",
        trial=partial(_trial, {"nngp": 0.05}),
        size=SIZE,
        explanation="see docs/adh19.md",
    ),
)
