"""Regular, feature, lazy and scaled side by side: what each reaches and how far its kernel moves."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportReturnType=false

import pandas as pd

from lazyregime.reports.tables.averages import averages, with_keys
from lazyregime.reports.tables.settings import ALWAYS_TOLD, network_order
from lazyregime.reports.tables.usual import Told

MEASURES = (
    *("test_accuracy", "kernel_accuracy_adh_init", "kernel_accuracy_adh_final", "kernel_change", "kernel_distance"),
    *("kernel_angle", "kernel_angle_null"),
    *("kernel_alignment_init", "kernel_alignment_final", "parameter_displacement", "test_loss", "laziness"),
)
REGIMES = ("regular", "feature", "lazy", "scaled")
BY = ("network", "data", "width", "regime", "alpha")


def trained(runs: pd.DataFrame) -> pd.DataFrame:
    """The complete training runs, with their keys."""
    is_train = runs["command"].fillna("train") == "train" if "command" in runs else True
    return with_keys(runs[(runs.status == "complete") & is_train])


def regimes_table(runs: pd.DataFrame) -> Told:
    """Means over seeds and their standard errors, one row a network, width, regime, alpha and settings."""
    chosen = trained(runs)
    found = averages(
        chosen.assign(alpha=chosen.alpha.fillna(1.0), kernel_angle=_sines(chosen), scale=_scales(chosen)),
        BY,
        MEASURES,
        told=ALWAYS_TOLD,
        apart="regime",
        words=("verdict", "scale"),
    )
    order = found.table.apply(_place, axis=1) if len(found.table) else pd.Series(dtype=object)
    return Told(found.table.loc[order.sort_values(kind="stable").index].reset_index(drop=True), found.unless)


def _scales(runs: pd.DataFrame) -> list[str]:
    """The scale of the output as it was given, `α=3` or `laziness=100`; nothing where none was to be given."""
    given = runs["config.laziness"] if "config.laziness" in runs else pd.Series(None, runs.index, dtype=object)
    return [
        "" if regime != "scaled" else f"α={alpha:.3g}" if pd.isna(laziness) else f"laziness={float(laziness):.4g}"
        for regime, alpha, laziness in zip(runs.regime, runs.alpha.fillna(1.0), given, strict=True)
    ]


def _sines(runs: pd.DataFrame) -> pd.Series:
    """Of the angles by which kernels turned; a result that is older than them has 1 - cos, which says the same."""
    of_distance = (1 - (1 - runs.kernel_distance.astype(float)) ** 2).clip(0) ** 0.5
    return runs.kernel_angle.fillna(of_distance) if "kernel_angle" in runs else of_distance


def _place(row: pd.Series) -> tuple[object, ...]:
    """Sections by network, data and width; within one, the regimes in their usual order, the most seeds first."""
    rank = REGIMES.index(row.regime) if row.regime in REGIMES else len(REGIMES)
    width = row.width if row.width == row.width and row.width is not None else 0
    return (network_order(row.network), str(row.data), width, rank, row.regime, row.alpha, -row.num_seeds)
