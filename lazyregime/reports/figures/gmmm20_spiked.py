"""[GMMM20]: risk against the strength of the spike, with the thresholds that the effective dimension predicts."""

# pandas tells its types only in part.
# pyright: reportAttributeAccessIssue=false

import math

import pandas as pd
from matplotlib.figure import Figure

from lazyregime.reports.figures.linearized import lines
from lazyregime.reports.figures.style import GREY, grid

CAPTION = (
    "Risk over that of zero on spiked covariates against kappa, r² = d^kappa. Vertical: where n = d_eff^l, from which "
    "on kernels learn degree l. Dashed: what is left of the target after degrees 1, 2 and 3."
)


def draw(table: pd.DataFrame) -> Figure | None:
    """One panel; None without runs."""
    if table.empty:
        return None
    figure, axes = grid(1, 1, 6.2, 4.6)
    ax = axes[0, 0]
    lines(ax, table, "kappa", "risk")
    powers = table.powers.iloc[0]
    total = sum(powers)
    for degree in (1, 2, 3):
        ax.axhline(sum(powers[degree + 1 :]) / total, color=GREY, linestyle="--", linewidth=1.0)
    d, n = float(table.dimension.iloc[0]), float(table.n_train.median())
    for degree in (2, 3):
        kappa = 1 - math.log(n) / (degree * math.log(d))  # d^(1 - kappa) = n^(1/l)
        if 0 < kappa < 1:
            ax.axvline(kappa, color=GREY, linestyle=":", linewidth=1.2)
            ax.annotate(
                f" n = d_eff^{degree}",
                (kappa, 0.02),
                xycoords=("data", "axes fraction"),
                color=GREY,
                fontsize=8.5,
            )
    ax.set_ylim(0, None)
    ax.set_xlabel("κ,   r² = d^κ")
    ax.set_ylabel("risk / risk of zero")
    ax.set_title(f"d = {d:.0f}, n = {n:.0f}")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
