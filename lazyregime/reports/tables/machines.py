"""Kernel machines: what each learns of a data set, with how many samples and features, at which ridge."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pandas as pd

from lazyregime.reports.tables.averages import averages, with_keys
from lazyregime.reports.tables.settings import TOLD_OF_A_FIT
from lazyregime.reports.tables.usual import Told

MEASURES = ("test_accuracy", "test_risk", "train_risk", "ridge")
BY = ("machine", "at", "num_features", "n_train")
WORDS = {
    "rf": "RF",
    "nt": "NT",
    "rf_nt": "RF+NT",
    "krr_rf": "KRR, RF kernel",
    "krr_nt": "KRR, NT kernel",
    "krr_ntk": "KRR, NTK",
    "krr_sphere": "KRR, RF kernel",
    "quadratic": "quadratic",
    "linear": "linear",
    "mlp_ntk": "NTK, infinite width",
    "cntk": "CNTK, infinite width",
    "mlp_ntk_nngp": "Gaussian process of the MLP",
    "cntk_nngp": "Gaussian process of the CNN",
    "empirical_ntk": "NTK of the network",
    "net": "network",
}
MOMENTS = {"init": ", at initialization", "last": ", after training", "best": ", at its best"}


def fitted(runs: pd.DataFrame) -> pd.DataFrame:
    """The complete fits, with their keys."""
    chosen = runs["command"] == "fit" if "command" in runs else pd.Series(False, runs.index)
    fits = with_keys(runs[(runs.status == "complete") & chosen])
    return fits.assign(key=[tuple(setting for setting in key if setting[0] not in BY) for key in fits.key])


def machines_table(runs: pd.DataFrame) -> Told:
    """Means over seeds and their standard errors, one row a machine, size and settings."""
    found = averages(runs, BY, MEASURES, told=TOLD_OF_A_FIT, apart="machine", words=("chosen_by",))
    order = found.table.sort_values(["n_train", "machine", "at", "num_features", "settings"], na_position="last")
    return Told(order.reset_index(drop=True), found.unless)


def machine_words(machine: object, at: object) -> str:
    """The machine as a reader knows it."""
    return WORDS.get(str(machine), str(machine)) + MOMENTS.get(str(at), "")
