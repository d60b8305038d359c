"""How far the kernel moves at alpha = sqrt(N), against N, for each start and activation of the two-layer flows."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportReturnType=false

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lazyregime.reports.figures.axes import width_axis
from lazyregime.reports.figures.style import COLOURS, GREY, grid
from lazyregime.reports.reading.folder import read_kernels

CAPTION = (
    "Relative change of the kernel of two-layer networks at alpha = sqrt(N), mean and standard deviation over seeds, "
    "against N: the exponent depends on the symmetry of the start and on the activation."
)
FEWEST = 3  # widths


def draw(flows: pd.DataFrame) -> Figure | None:
    """A line a run that followed at least three widths under the NTK scaling."""
    lines = [(flow, *_changes(read_kernels(Path(flow["path"]) / "kernels.safetensors"))) for flow in _records(flows)]
    lines = [line for line in lines if len(line[1]) >= FEWEST]
    if not lines:
        return None
    figure, axes = grid(1, 1, width=6.6, heights=4.2)
    ax = axes[0, 0]
    styles = [(colour, marker) for colour, marker in zip(COLOURS.values(), "osD^", strict=True)]
    styles += [("#CC79A7", "v"), ("#000000", "x")]
    for (flow, widths, changes), (colour, marker) in zip(lines, styles, strict=False):
        mean, spread = changes.mean(1), changes.std(1)
        slope = np.polyfit(np.log(widths), np.log(mean), 1)[0]
        label = f"{flow['activation']}, {flow['init']}: N^{slope:.2f}"
        ax.errorbar(widths, mean, spread, color=colour, marker=marker, markersize=4.5, linewidth=1.5, label=label)
    first = max(changes.mean(1)[0] for _, _, changes in lines)
    widths = np.array(sorted({w for _, ws, _ in lines for w in ws}), dtype=float)
    for power, style in ((-0.5, ":"), (-0.75, "-."), (-1.0, "--")):
        guide = 1.5 * first * (widths / widths[0]) ** power
        ax.plot(widths, guide, style, color=GREY, linewidth=1.1, label=f"N^{power:g}")
    ax.set_yscale("log")
    width_axis(ax, widths)
    ax.set_xlabel("width N")
    ax.set_ylabel("‖K_T − K₀‖ / ‖K₀‖")
    ax.set_title("Kernel change at α = √N")
    ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def _records(flows: pd.DataFrame) -> list[dict[str, object]]:
    return flows[flows["target"] == "teacher"].to_dict("records") if len(flows) else []


def _changes(arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The widths, and ||K_T - K_0|| / ||K_0|| of each seed."""
    names = [k for k in arrays if k.startswith("ntk/") and k.endswith("/kernel_change")]
    found = {int(name.split("/")[1]): arrays[name][-1] for name in names}
    widths = sorted(found)
    return np.array(widths), np.stack([found[w] for w in widths]) if widths else np.empty((0, 0))
