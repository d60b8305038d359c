"""Regular, feature, lazy and scaled side by side: what each reaches and how far its kernel moves."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false

import pandas as pd

from lazyregime.reports.tables.poster import with_keys
from lazyregime.reports.tables.settings import ALWAYS_TOLD, Settings, network_order, one_per_seed
from lazyregime.reports.tables.summary import estimate
from lazyregime.reports.tables.usual import Told, Usual, remark

MEASURES = (
    *("test_accuracy", "kernel_accuracy_adh_init", "kernel_accuracy_adh_final", "kernel_change", "kernel_distance"),
    *("kernel_alignment_init", "kernel_alignment_final", "parameter_displacement"),
)
REGIMES = ("regular", "feature", "lazy", "scaled")
COLUMNS = (
    *("network", "data", "width", "regime", "alpha", "settings", "num_seeds", "verdict", "num_params", "key"),
    *(name for measure in MEASURES for name in (measure, f"{measure}_error")),
)


def regimes_table(runs: pd.DataFrame) -> Told:
    """Means over seeds and their standard errors (`…_error`), one row a network, width, regime, alpha and settings.

    Runs without any of the measures (a regression, whose kernel was not probed) are left out.
    """
    measured = runs[[measure for measure in MEASURES if measure in runs]].notna().any(axis=1)
    known = runs[["arch", "width", "regime"]].notna().all(axis=1)
    complete = with_keys(runs[(runs.status == "complete") & known & measured])
    groups: dict[tuple[str, str, int, str, float, Settings], list[object]] = {}
    for index, run in zip(complete.index, complete.to_dict("records"), strict=True):
        alpha = float(run["alpha"]) if run["alpha"] == run["alpha"] else 1.0
        name = (run["network"], str(run["data"]), int(run["width"]), str(run["regime"]), alpha, run["key"])
        groups.setdefault(name, []).append(index)
    across = Usual.of(complete.key)
    within = {regime: Usual.of(part.key) for regime, part in complete.groupby("regime", sort=False)}
    rows = []
    for name in sorted(groups, key=lambda name: _place(name, len(groups[name]))):
        group, _ = one_per_seed(complete.loc[groups[name]])
        row = dict(zip(("network", "data", "width", "regime", "alpha", "key"), name, strict=True))
        unlike = {**dict(across.unlike(name[5], ALWAYS_TOLD)), **dict(within[name[3]].unlike(name[5]))}
        row |= {"settings": remark(tuple(unlike.items())), "num_seeds": len(group)}
        row["num_params"] = group.num_params.iloc[0]
        row["verdict"] = _verdict(group.verdict)
        for measure in MEASURES:
            found = estimate(group[measure]) if measure in group else estimate(pd.Series(dtype=float))
            row |= {measure: found.mean, f"{measure}_error": found.error}
        rows.append(row)
    return Told(pd.DataFrame(rows, columns=pd.Index(COLUMNS)), across.sentence(ALWAYS_TOLD))


def _place(name: tuple[str, str, int, str, float, Settings], count: int) -> tuple[object, ...]:
    """Sections by network, data and width; within one, the regimes in their usual order, the most seeds first."""
    network, data, width, regime, alpha, _ = name
    rank = REGIMES.index(regime) if regime in REGIMES else len(REGIMES)
    return (network_order(network), data, width, rank, alpha, -count)


def _verdict(verdicts: pd.Series) -> str:
    counts = verdicts.dropna().value_counts()
    if len(counts) < 2:
        return str(counts.index[0]) if len(counts) else ""
    return ", ".join(f"{word} ({count})" for word, count in counts.items())
