r"""Largest stable and best learning rate over richness gamma = 1/laziness: gamma^2 where lazy, gamma^(2/L) where rich.

The rate eta is that of a loss that is not divided by alpha^2, in mean-field units: lr / laziness^2 [AMSP25]. Why so:
where lazy, F = f_MF / gamma has the kernel K0 / gamma^2, and gradient descent is stable up to 2 over its largest
eigenvalue. Where rich, weights of L homogeneous layers grow by c until c^L / gamma is of order 1; the kernel by then is
c^(2 (L - 1)) K / gamma^2, that is gamma^(-2/L) K.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportAssignmentType=false

from functools import partial

import numpy as np
import pandas as pd

from lazyregime.reports.claims._claim import Claim, Expected, Measurement, Size, near
from lazyregime.reports.claims._learning_rate_trial import trial
from lazyregime.reports.claims._seeds import Seeds
from lazyregime.reports.tables.tags import tagged

COMMAND = "SIZE=small multirun_scripts/learning_rate.sh"
SIZE = Size("N = {:,.0f}", "width", published=0)
RANGES = {"lazy": (0.0, 0.1), "rich": (10.0, np.inf)}  # of gamma, over which an exponent is fitted
DEPTH = "config.arch.depth"


def rates(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each L, gamma and seed: eta of the largest stable and of the best rate.

    `stable` is the geometric mean of the smallest rate that diverged and the one below it, `best` the rate of the
    lowest test loss; NaN where that lies at an end of what was tried, so that it may lie beyond.
    """
    rows: list[dict[str, float]] = []
    runs = runs.assign(gamma=1 / runs.laziness.astype(float).round(9), layers=runs[DEPTH].astype(int) + 1)
    for (layers, gamma, seed), part in runs.groupby(["layers", "gamma", "seed"]):
        part = part.sort_values("lr")
        lr, diverged = part.lr.to_numpy(float), part.diverged_at.notna().to_numpy()
        first = int(diverged.argmax()) if diverged.any() else 0
        loss = np.where(diverged, np.inf, part.test_loss.to_numpy(float))
        best = int(loss.argmin())
        inside = 0 < best < len(lr) - 1
        rows.append({
            "layers": layers, "gamma": gamma, "seed": seed, "loss": float(loss[best]),
            "stable": float(np.sqrt(lr[first - 1] * lr[first]) * gamma**2) if first else np.nan,
            "best": float(lr[best] * gamma**2) if inside else np.nan,
        })  # fmt: skip
    return pd.DataFrame(rows)


def exponent(found: pd.DataFrame, which: str, where: str) -> float:
    """Of eta ~ gamma^p over a range of gamma, the mean over what networks are here; NaN where a rate is missing."""
    low, high = RANGES[where]
    found = found[(found.gamma >= low * 0.999) & (found.gamma <= high * 1.001)]
    slopes = [
        float(np.polyfit(np.log(part.gamma), np.log(part[which]), 1)[0])
        if len(part) > 1 and part[which].notna().all() else np.nan
        for _, part in found.groupby("layers")
    ]  # fmt: skip
    return float(np.mean(slopes)) if slopes else np.nan


def _measure(which: str, where: str, layers: int | None, runs: pd.DataFrame) -> Measurement | None:
    found = tagged(runs, "learning_rate")
    if found.empty or not {DEPTH, "diverged_at", "lr", "laziness"} <= set(found):
        return None
    if layers is not None:
        found = found[found[DEPTH].astype(int) == layers - 1]
    seeds = Seeds.of(found, "laziness", "arch.depth", "network", "optimizer.lr", "lr")
    low, high = RANGES[where]
    told = f"gamma up to {high:g}" if where == "lazy" else f"gamma from {low:g} on"
    return seeds.each(lambda part: exponent(rates(part), which, where)).measured(told)


def _claim(name: str, statement: str, which: str, where: str, expected: Expected, layers: int | None = None) -> Claim:
    rate = "largest stable" if which == "stable" else "best"
    networks = "networks of each depth" if layers is None else f"networks of {layers} layers"
    return Claim(
        f"learning_rate.{name}", "[AMSP25]", statement, f"exponent of the {rate} eta in gamma, {networks}", expected,
        partial(_measure, which, where, layers), COMMAND, trial=partial(trial, name), size=SIZE,
        explanation="docs/learning_rate.md",
    )  # fmt: skip


_LAZY = "In the lazy regime the {} learning rate grows as gamma^2."
_RICH = "In the rich regime the {} learning rate of L layers grows as gamma^(2/L)."

CLAIMS = (
    _claim("stable_lazy", _LAZY.format("largest stable"), "stable", "lazy", near(2, 0.1)),
    _claim("stable_rich_2", _RICH.format("largest stable"), "stable", "rich", near(1, 0.15), 2),
    _claim("stable_rich_3", _RICH.format("largest stable"), "stable", "rich", near(2 / 3, 0.15), 3),
    _claim("best_lazy", _LAZY.format("best"), "best", "lazy", near(2, 0.2)),
    _claim("best_rich_2", _RICH.format("best"), "best", "rich", near(1, 0.25), 2),
    _claim("best_rich_3", _RICH.format("best"), "best", "rich", near(2 / 3, 0.25), 3),
)
