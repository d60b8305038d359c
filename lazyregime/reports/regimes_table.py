"""Regular, feature, lazy and scaled side by side: what each reaches and how far its kernel moves."""

import pandas as pd

from lazyregime.reports.poster_table import with_keys
from lazyregime.reports.settings import ALWAYS_TOLD, Settings, differences, one_per_seed
from lazyregime.reports.summary import estimate

MEASURES = (
    *("test_accuracy", "kernel_accuracy_adh_init", "kernel_accuracy_adh_final", "kernel_change", "kernel_distance"),
    *("kernel_alignment_init", "kernel_alignment_final", "parameter_displacement"),
)
REGIMES = ("regular", "feature", "lazy", "scaled")
COLUMNS = (
    *("network", "data", "width", "regime", "alpha", "settings", "num_seeds", "verdict", "num_params", "key"),
    *(name for measure in MEASURES for name in (measure, f"{measure}_error")),
)


def regimes_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds and their standard errors (`…_error`), one row a network, width, regime, alpha and settings."""
    complete = with_keys(runs[(runs.status == "complete") & runs[["arch", "width", "regime"]].notna().all(axis=1)])
    groups: dict[tuple[str, str, int, str, float, Settings], list[object]] = {}
    for index, run in zip(complete.index, complete.to_dict("records"), strict=True):
        alpha = float(run["alpha"]) if run["alpha"] == run["alpha"] else 1.0
        name = (run["network"], str(run["data"]), int(run["width"]), str(run["regime"]), alpha, run["key"])
        groups.setdefault(name, []).append(index)
    labels = {name: _label(name, list(groups)) for name in groups}
    rows = []
    for name, members in groups.items():
        group, _ = one_per_seed(complete.loc[members])
        row = dict(zip(("network", "data", "width", "regime", "alpha", "key"), name, strict=True))
        row |= {"settings": labels[name], "num_seeds": len(group), "num_params": group.num_params.iloc[0]}
        row["verdict"] = _verdict(group.verdict)
        for measure in MEASURES:
            found = estimate(group[measure]) if measure in group else estimate(pd.Series(dtype=float))
            row |= {measure: found.mean, f"{measure}_error": found.error}
        rows.append(row)
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    rank = table.regime.map(lambda name: REGIMES.index(name) if name in REGIMES else len(REGIMES))
    order = ["network", "data", "width", "rank", "alpha", "settings"]
    return table.assign(rank=rank).sort_values(order, kind="stable").drop(columns="rank")


def _label(
    name: tuple[str, str, int, str, float, Settings], names: list[tuple[str, str, int, str, float, Settings]]
) -> str:
    """What is unlike the runs it stands beside: all settings within its regime, the weighty ones across regimes."""
    network, data, width, regime, alpha, key = name
    section = [other for other in names if other[:3] == (network, data, width)]
    across = differences((other[5] for other in section), ALWAYS_TOLD)[key]
    within = differences(other[5] for other in section if other[3:5] == (regime, alpha))[key]
    return ", ".join(dict.fromkeys(filter(None, [*across.split(", "), *within.split(", ")])))


def _verdict(verdicts: "pd.Series[str]") -> str:
    counts = verdicts.dropna().value_counts()
    if len(counts) < 2:
        return str(counts.index[0]) if len(counts) else ""
    return ", ".join(f"{word} ({count})" for word, count in counts.items())
