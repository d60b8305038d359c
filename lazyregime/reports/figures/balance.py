"""Turn of the kernel against balance: one line a scale, linear units beside ReLUs [KRD+24]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false

import pandas as pd
from matplotlib.figure import Figure

from lazyregime.reports.claims.balance import HALF, sine
from lazyregime.reports.figures.style import grid, shades

CAPTION = (
    "Sine of the angle by which the kernel has turned when half of the loss is gone (solid) and at the end (dashed), "
    "against the balance of the initialization: to the right the first layer learns faster. Means over seeds."
)


def turns(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a run: units, balance, laziness, seed, the two turns and the test loss."""
    rows = [
        {
            "activation": run["config.arch.activation"], "balance": float(run["config.arch.balance"]),
            "laziness": round(float(run.laziness), 6), "seed": run.seed, "half": sine(run, HALF),
            "end": sine(run, "final"), "test_loss": run.test_loss,
        }
        for _, run in runs.iterrows()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def draw(runs: pd.DataFrame) -> Figure | None:
    """A panel for each activation; None without two balances."""
    table = turns(runs)
    if table.balance.nunique() < 2:
        return None
    kinds = sorted(table.activation.unique())
    figure, axes = grid(1, len(kinds), 4.6, 3.6)
    for ax, kind in zip(axes.flat, kinds, strict=True):
        part = table[table.activation == kind]
        scales = sorted(part.laziness.unique())
        for scale, colour in zip(scales, shades(len(scales)), strict=True):
            mean = part[part.laziness == scale].groupby("balance")[["half", "end"]].mean()
            ax.plot(mean.index, mean.half, "o-", color=colour, label=f"laziness {scale:g}")
            ax.plot(mean.index, mean.end, "o--", color=colour, alpha=0.5, linewidth=1.2, markersize=4)
        ax.set(xscale="log", yscale="log", xlabel="balance b", ylabel="sine of the kernel's turn")
        ax.set_title(f"{kind} units")
        ax.legend()
    return figure
