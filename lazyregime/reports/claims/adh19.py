"""Exact kernels of infinitely wide networks: better than the kernels of finite ones, and than others [ADH+19]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

from functools import partial

import pandas as pd

from lazyregime.reports.claims import Claim, Measurement, at_least, near, over_seeds
from lazyregime.reports.tables.linearized import linearized_runs

COMMAND = "multirun_scripts/adh19.sh"
SETS = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
CIFAR = {3: 0.6447, 4: 0.6552, 6: 0.6603}  # CNTK-V, 50,000 images


def _accuracy(table: pd.DataFrame, model: str, data: str, n: float, at: str | None = None) -> pd.Series:
    chosen = table[(table.model == model) & (table.data == data) & (table.n_train == n)]
    return (chosen if at is None else chosen[chosen["at"] == at]).groupby("seed").accuracy.mean()


def _exact_above_finite(data: str, runs: pd.DataFrame) -> Measurement | None:
    """The exact kernel less the empirical one at initialization, mean over the n that have both."""
    table = linearized_runs(runs, "adh19")
    gaps = [
        _accuracy(table, "mlp_ntk", data, n) - _accuracy(table, "empirical_ntk", data, n, "init")
        for n in sorted(table.n_train.dropna().unique())
    ]
    both = pd.concat(gaps, axis=1).mean(axis=1) if gaps else pd.Series(dtype=float)
    return over_seeds(both.dropna(), "mean over n")


def _convolutional_above_dense(data: str, runs: pd.DataFrame) -> Measurement | None:
    table = linearized_runs(runs, "adh19")
    chosen = table[(table.data == data) & table.model.isin(["cntk", "mlp_ntk"])]
    # on the same test images: a different number of them moves the accuracy by more than the claim is about
    pairs = chosen.pivot_table(index=["n_train", "n_test", "seed"], columns="model", values="accuracy")
    if not {"cntk", "mlp_ntk"} <= set(pairs.columns) or pairs.dropna().empty:
        return None
    n, tests, _ = max(pairs.dropna().index)
    both = pairs.dropna().loc[(n, tests)]
    return over_seeds(both["cntk"] - both["mlp_ntk"], f"n = {n:.0f}, {tests:.0f} test images")


def _cifar(depth: int, runs: pd.DataFrame) -> Measurement | None:
    if not {"machine", "config.machine.depth"} <= set(runs.columns):
        return None
    chosen = runs[(runs.machine == "cntk") & (runs.data == "cifar10") & (runs["config.machine.depth"] == depth - 1)]
    return over_seeds(chosen[chosen.n_train == 50_000].test_accuracy)


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
            explanation="see docs/adh19.md",
        )
        for data, words in SETS.items()
    ),
    *(
        Claim(
            id=f"adh19.cifar10.cntk_depth_{depth}",
            source="[ADH+19], table 1",
            statement=f"The CNTK of depth {depth} reaches {100 * value:.2f}% on CIFAR-10.",
            measured="accuracy on the test set with 50,000 images",
            expected=near(value, 0.02),
            measure=partial(_cifar, depth),
            command=COMMAND,
        )
        for depth, value in CIFAR.items()
    ),
)
