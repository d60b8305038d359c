"""The poster's table: Lazy, Feature and Regular of one regular run, under both protocols, beside the published.

Lazy is kernel regression with the kernel at initialization, Feature with the kernel of the same network after training,
Regular the network's own test accuracy.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportReturnType=false

import pandas as pd

from lazyregime.reports.tables.averages import SeedGroup, seed_groups, with_keys
from lazyregime.reports.tables.published import POSTER, ROWS, TOLERANCE_POINTS, published
from lazyregime.reports.tables.settings import POSTER_NETWORKS, TOLD, network_order
from lazyregime.reports.tables.summary import estimate
from lazyregime.reports.tables.usual import Told, Usual, remark

COLUMNS = (
    *("network", "arch", "width", "settings", "row", "protocol", "published", "mean", "standard_error", "num_seeds"),
    *("difference_points", "flagged", "num_params", "num_params_published", "num_params_equal", "num_repeated", "key"),
)
PLACES = {(column.arch, column.width) for column in POSTER}
MEASURED_AS = {
    ("Lazy", "poster"): "kernel_accuracy_poster_init",
    ("Lazy", "adh"): "kernel_accuracy_adh_init",
    ("Feature", "poster"): "kernel_accuracy_poster_final",
    ("Feature", "adh"): "kernel_accuracy_adh_final",
    ("Regular", "none"): "test_accuracy",
}


def poster_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Complete regular runs on MNIST of the poster's networks and widths, with `network` and comparable `key`."""
    regular = runs[(runs.status == "complete") & (runs.regime == "regular") & (runs.data == "mnist")]
    there = [place in PLACES for place in zip(regular.arch, regular.width, strict=True)]
    regular = with_keys(regular[pd.Series(there, index=regular.index, dtype=bool)])
    wanted = [name in POSTER_NETWORKS or name.startswith("CNN with") for name in regular.network]
    return regular[pd.Series(wanted, index=regular.index, dtype=bool)]


def poster_table(runs: pd.DataFrame) -> Told:
    """One row a number of the table: network, width, settings, row and protocol; see COLUMNS."""
    chosen = poster_runs(runs)
    usual = Usual.of(chosen.key)
    groups = [(g, remark(usual.unlike(g.key))) for g in seed_groups(chosen, ("network", "arch", "width"))]
    ordered = sorted(groups, key=lambda pair: (*_place(pair[0]), pair[1] != "", pair[1]))
    rows = [row for group, settings in ordered for row in _numbers(group, settings)]
    return Told(pd.DataFrame(rows, columns=pd.Index(COLUMNS)), usual.sentence(TOLD))


def _place(group: SeedGroup) -> tuple[object, ...]:
    network, _, width = group.where
    return network_order(str(network)), width


def _numbers(seeds: SeedGroup, settings: str) -> list[dict[str, object]]:
    (network, arch, width), group = seeds.where, seeds.runs
    width = int(width)
    column = published(arch, width) if network in POSTER_NETWORKS else None
    counts = sorted(group.num_params.dropna().unique())
    num_params = int(counts[0]) if len(counts) == 1 else None
    base = {"network": network, "arch": arch, "width": width, "settings": settings, "num_params": num_params}
    base |= {
        "num_params_published": column.num_params if column else None,
        "num_repeated": seeds.num_repeated,
        "key": seeds.key,
    }
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
