"""The poster's table: Lazy, Feature and Regular of one regular run, under both protocols, beside the published.

Lazy is kernel regression with the kernel at initialization, Feature with the kernel of the same network after training,
Regular the network's own test accuracy.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportReturnType=false

import pandas as pd

from lazyregime.reports.tables.published import ROWS, TOLERANCE_POINTS, published
from lazyregime.reports.tables.settings import (
    POSTER_NETWORKS,
    TOLD,
    Settings,
    network_of,
    network_order,
    one_per_seed,
    settings_of,
)
from lazyregime.reports.tables.summary import estimate
from lazyregime.reports.tables.usual import Told, Usual, remark

COLUMNS = (
    *("network", "arch", "width", "settings", "row", "protocol", "published", "mean", "standard_error", "num_seeds"),
    *("difference_points", "flagged", "num_params", "num_params_published", "num_params_equal", "num_repeated", "key"),
)
MEASURED_AS = {
    ("Lazy", "poster"): "kernel_accuracy_poster_init",
    ("Lazy", "adh"): "kernel_accuracy_adh_init",
    ("Feature", "poster"): "kernel_accuracy_poster_final",
    ("Feature", "adh"): "kernel_accuracy_adh_final",
    ("Regular", "none"): "test_accuracy",
}


def poster_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Complete regular runs on MNIST of three-layer networks, with their `network` and comparable `key`."""
    regular = runs[(runs.status == "complete") & (runs.regime == "regular") & (runs.data == "mnist")]
    regular = with_keys(regular)
    wanted = [name in POSTER_NETWORKS or name.startswith("CNN with") for name in regular.network]
    return regular[pd.Series(wanted, index=regular.index, dtype=bool)]


def with_keys(runs: pd.DataFrame) -> pd.DataFrame:
    """Add `network` (in words) and `key` (the settings), by which runs may be averaged."""
    records = runs.to_dict("records")
    keys = pd.Series([settings_of(record) for record in records], index=runs.index, dtype=object)
    return runs.assign(network=[network_of(record) for record in records], key=keys)


def poster_table(runs: pd.DataFrame) -> Told:
    """One row a number of the table: network, width, settings, row and protocol; see COLUMNS."""
    chosen = poster_runs(runs)
    groups: dict[tuple[str, str, int, Settings], list[object]] = {}
    for index, *name in zip(
        chosen.index, chosen.network, chosen.arch, chosen.width.astype(int), chosen.key, strict=True
    ):
        groups.setdefault(tuple(name), []).append(index)
    usual = Usual.of(chosen.key)
    remarks = {name: remark(usual.unlike(name[3])) for name in groups}
    ordered = sorted(groups, key=lambda name: (network_order(name[0]), name[2], remarks[name] != "", remarks[name]))
    rows = [row for name in ordered for row in _numbers(*name, remarks[name], chosen.loc[groups[name]])]
    return Told(pd.DataFrame(rows, columns=pd.Index(COLUMNS)), usual.sentence(TOLD))


def _numbers(
    network: str, arch: str, width: int, key: Settings, label: str, group: pd.DataFrame
) -> list[dict[str, object]]:
    group, num_repeated = one_per_seed(group)
    column = published(arch, width) if network in POSTER_NETWORKS else None
    counts = sorted(group.num_params.dropna().unique())
    num_params = int(counts[0]) if len(counts) == 1 else None
    base = {"network": network, "arch": arch, "width": width, "settings": label, "num_params": num_params}
    base |= {"num_params_published": column.num_params if column else None, "num_repeated": num_repeated, "key": key}
    base |= {"num_params_equal": num_params == column.num_params if column else None}
    rows = []
    for row in ROWS:
        for protocol in ("none",) if row == "Regular" else ("poster", "adh"):
            target = column.value(row) if column else None
            found = estimate(group[MEASURED_AS[row, protocol]])
            points = 100 * (found.mean - target) if target is not None and found.exists else float("nan")
            flagged = abs(points) > TOLERANCE_POINTS + 1e-9
            rows.append(
                base
                | {"row": row, "protocol": protocol, "published": target, "mean": found.mean}
                | {"standard_error": found.error, "num_seeds": found.count}
                | {"difference_points": points, "flagged": flagged}
            )
    return rows
