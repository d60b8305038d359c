"""[GMMM19]: risk against log N / log d and log n / log d, with the predicted plateaus, and the single neuron."""

# pandas tells its types only in part.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lazyregime.reports.figures.style import GREY, grid, shades

PREDICTED = 14  # points of a predicted curve
CAPTION = (
    "Risk over that of zero on the sphere, exact for infinitely many samples (RF, NT) and on 4000 test points for "
    "kernel regression. Dashed: what is left of the target after the degrees that theory says are learned; thin lines: "
    "the eigenlearning prediction of kernel regression at this d."
)
PANELS = (
    ("rf", "num_features", "a  RF: N units, n = ∞", 0),
    ("nt", "num_features", "b  NT: N units, n = ∞", 1),
    ("krr_sphere", "n_train", "c  Kernel: N = ∞, n samples", 0),
)


def draw(table: pd.DataFrame) -> Figure | None:
    """The three staircases; None without runs."""
    mixed = table[(table.target == "gegenbauer") & (table["shift"] > 0)]
    panels = [panel for panel in PANELS if (mixed.model == panel[0]).any()]
    if not panels:
        return None
    figure, axes = grid(1, len(panels), 3.9, 3.8)
    for ax, (model, size, title, gain) in zip(axes[0], panels, strict=True):
        chosen = mixed[mixed.model == model]
        _panel(ax, chosen, size, gain)
        ax.set_title(title)
        ax.set_xlabel("log N / log d" if size == "num_features" else "log n / log d")
    axes[0, 0].set_ylabel("risk / ‖f‖²")
    return figure


def _panel(ax: Axes, table: pd.DataFrame, size: str, gain: int) -> None:
    powers = np.array(table.powers.iloc[0])
    powers = powers / powers.sum()
    for level in range(3):
        left = float(powers[level + gain + 1 :].sum())
        words = None if level else "limit d → ∞"
        ax.hlines(left, level, level + 1, color=GREY, linestyle="--", linewidth=1.3, label=words)
    model = str(table.model.iloc[0])
    dimensions = sorted(table.dimension.unique())
    for d, colour in zip(dimensions, shades(len(dimensions)), strict=True):
        mean = table[table.dimension == d].groupby(size).risk.mean()
        x, line = np.log(mean.index) / np.log(d), "o" if model == "krr_sphere" else "o-"
        ax.plot(x, mean.to_numpy(), line, color=colour, markersize=4.5, label=f"d = {d:.0f}")
        if model == "krr_sphere":
            theory = _predicted(int(d), float(table["shift"].iloc[0]), powers, float(mean.index.max()))
            ax.plot(*theory, "-", color=colour, linewidth=1.2, label=f"predicted, d = {d:.0f}")
    ax.set_ylim(-0.03, 1.12)
    ax.legend(loc="lower left")


def _predicted(d: int, shift: float, powers: np.ndarray, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Log n / log d and the predicted risk of kernel regression without a ridge to speak of."""
    from lazyregime.machines.population import predicted_krr_risk  # torch takes seconds to import
    from lazyregime.machines.spectrum import Spectrum

    spectrum = Spectrum.of("relu", d, shift=shift)
    sizes = np.unique(np.geomspace(3, largest, PREDICTED).round())
    risks = [predicted_krr_risk(spectrum, tuple(powers), int(n), ridge=1e-6) for n in sizes]
    return np.log(sizes) / np.log(d), np.array(risks)
