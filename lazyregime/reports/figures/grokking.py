"""Training and test loss and alignment of the kernel over time, and the delay of the test loss by laziness [KBGP24]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false
# pyright: reportAssignmentType=false

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.claims.grokking import at_time, curves, decayed, half_time
from lazyregime.reports.figures.style import grid, shades

CAPTION = (
    "Training loss (dashed) and test loss (solid) over the initial one, and CKA of the kernel with the targets, "
    "against flow time, by laziness; first seed. Right: flow times to half of the two losses, all seeds."
)


def times(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a run: laziness, seed, the times to half of the two losses, and alignment and turn of the kernel then."""
    rows: list[dict[str, float]] = []
    for _, run in runs.iterrows():
        measured = curves(run)
        row = {"laziness": float(run.laziness), "seed": run.seed, "test_loss": run.test_loss}
        for of in ("train", "test"):
            time = half_time(measured, of)
            row[of] = time
            row |= {f"{c}_{of}": at_time(measured, c, time) for c in ("kernel_alignment", "kernel_angle")}
        rows.append(row | {"end": float(measured.time.iloc[-1]), "aligned": float(measured.kernel_alignment.iloc[0])})
    return pd.DataFrame(rows)


def draw(runs: pd.DataFrame) -> Figure | None:
    """Three panels, of the runs without weight decay; None without two laziness."""
    runs = decayed(runs, False)
    if runs.empty or runs.laziness.nunique() < 2:
        return None
    figure, axes = grid(1, 3, 4.4, 3.6)
    loss, kernel, delay = axes.flat
    scales = sorted(runs.laziness.unique())
    for scale, colour in zip(scales, shades(len(scales)), strict=True):
        _curves(loss, kernel, curves(runs[runs.laziness == scale].sort_values("seed").iloc[0]), scale, colour)
    loss.set(xscale="log", yscale="log", xlabel="flow time", ylabel="loss / initial loss", ylim=(1e-4, 3))
    kernel.set(xscale="log", xlabel="flow time", ylabel="CKA(K, y y^T)")
    kernel.legend(title="laziness", fontsize="small")
    _delays(delay, times(runs))
    return figure


def _curves(loss: Axes, kernel: Axes, rows: pd.DataFrame, scale: float, colour: object) -> None:
    rows = rows[rows.time > 0]
    loss.plot(rows.time, rows.train, "--", color=colour, linewidth=1.2)
    loss.plot(rows.time, rows.test, "-", color=colour)
    seen = rows[rows.kernel_alignment.notna()]
    kernel.plot(seen.time, seen.kernel_alignment, "-", color=colour, label=f"{scale:g}")


def _delays(ax: Axes, table: pd.DataFrame) -> None:
    for of, marker, colour in (("train", "o", "C0"), ("test", "s", "C1")):
        fell = table[table[of] < math.inf]
        ax.plot(
            fell.laziness,
            fell[of],
            marker,
            color=colour,
            alpha=0.6,
            label=f"{'training' if of == 'train' else of} loss",
        )
    never = table[table.test == math.inf]
    if len(never):
        ax.plot(never.laziness, never.end, "^", color="C1", alpha=0.6, label="test loss: not until the end")
    ax.set(xscale="log", yscale="log", xlabel="laziness", ylabel="flow time to half of the loss")
    ax.legend()
