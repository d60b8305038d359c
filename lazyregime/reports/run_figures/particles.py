"""The particles of a flow: clouds in the plane of two teacher neurons beside densities, at several times."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from lazyregime.reports.figures.style import COLOURS, GREY, save, shades

Arrays = Mapping[str, np.ndarray]
NAMES = {"mean_field": ("α = 1", "feature"), "ntk": ("α = √N", "lazy")}
MOST_TIMES = 4
MOST_POINTS = 1200


def snapshot_times(arrays: Arrays, scaling: str) -> np.ndarray:
    """When the particles were kept."""
    times, count = arrays["times"], len(arrays[f"{scaling}/snapshots"])
    return times[[round(i * (len(times) - 1) / max(count - 1, 1)) for i in range(count)]]


def draw_particles(path: Path, arrays: Arrays, scalings: list[str]) -> Path:
    """A row a scaling: the cloud at several times, and the density of ||w|| at all of them."""
    first = arrays[f"{scalings[0]}/snapshots"]
    chosen = np.unique(np.linspace(0, len(first) - 1, min(MOST_TIMES, len(first))).round().astype(int))
    figure = Figure(figsize=(3.0 * (len(chosen) + 1), 3.1 * len(scalings)), layout="constrained")
    axes = figure.subplots(len(scalings), len(chosen) + 1, squeeze=False)
    plane, labels = plane_of(arrays)
    reach = 1.05 * max(np.quantile(np.abs(arrays[f"{s}/snapshots"][..., 1:] @ plane), 0.998) for s in scalings)
    height = np.quantile(np.abs(first[..., 0]), 0.98)
    for row, scaling in zip(axes, scalings, strict=True):
        cloud, times = arrays[f"{scaling}/snapshots"], snapshot_times(arrays, scaling)
        points = [scatter(ax, cloud[k], plane, reach, height) for ax, k in zip(row, chosen, strict=False)]
        for ax, k in zip(row, chosen, strict=False):
            ax.set_title(f"{NAMES[scaling][0]}, t = {times[k]:.3g}")
        row[0].set_ylabel(labels[1])
        if cloud[..., 0].std() > 0:
            figure.colorbar(points[-1], ax=row[len(chosen) - 1], label="a", fraction=0.05)
        densities(row[-1], arrays, scaling, chosen)
        row[-1].set_title("density of ‖w‖")
    for ax in axes[-1, :-1]:
        ax.set_xlabel(labels[0])
    axes[-1, -1].set_xlabel("‖w‖")
    return save(figure, path, formats=("png",))


def plane_of(arrays: Arrays) -> tuple[np.ndarray, tuple[str, str]]:
    """The two directions that are shown: the teacher's first two, or the first two axes."""
    d, directions = arrays[next(k for k in arrays if k.endswith("/snapshots"))].shape[-1] - 1, arrays.get("directions")
    if directions is not None and d > 2 and len(directions) > 1:
        return directions[:2].T, ("⟨w, β₁⟩", "⟨w, β₂⟩")
    return np.eye(d)[:, :2], ("w₁", "w₂")


def scatter(ax: Axes, particles: np.ndarray, plane: np.ndarray, reach: float, height: float) -> PathCollection:
    """W in the plane, coloured by a."""
    particles = particles[:MOST_POINTS]
    shown = particles[:, 1:] @ plane
    points = ax.scatter(
        shown[:, 0], shown[:, 1], c=particles[:, 0], s=6, cmap="RdBu_r", vmin=-height, vmax=height,
        linewidths=0.15, edgecolors="#555555",
    )  # fmt: skip
    if particles[:, 0].std() == 0:  # a is not trained: nothing to colour by
        points.set(array=None, facecolor=COLOURS["feature"])
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
    ax.set_aspect("equal")
    return points


def densities(ax: Axes, arrays: Arrays, scaling: str, chosen: np.ndarray) -> None:
    """Of ||w|| over all seeds at the chosen times; the radial PDE's beside it where there is one."""
    norms, times = arrays[f"{scaling}/norms"], snapshot_times(arrays, scaling)
    low, high = 0.95 * norms[chosen].min(), 1.02 * np.quantile(norms[chosen], 0.999)
    for k, colour in zip(chosen, shades(len(chosen)), strict=True):
        heights, edges = np.histogram(norms[k], bins=60, range=(low, high), density=True)
        ax.stairs(heights, edges, color=colour, fill=True, alpha=0.25)
        ax.stairs(heights, edges, color=colour, linewidth=1.1, label=f"t = {times[k]:.3g}")
        mass = arrays.get(f"limit/{scaling}/mass")
        if mass is not None:
            at = int(np.argmin(np.abs(arrays["times"] - times[k])))
            width = np.diff(arrays[f"limit/{scaling}/edges"])
            ax.plot(arrays[f"limit/{scaling}/radii"], mass[at] / width, color="black", linewidth=0.9)
    ax.set_xlim(low, high)
    ax.legend(fontsize=7.5)


def marginal(ax: Axes, arrays: Arrays, scalings: list[str]) -> None:
    """The density of ||w|| at the start and, under each scaling, at the end."""
    ax.set_title("Particles: density of ‖w‖")
    kept = {s: arrays[f"{s}/norms"] for s in scalings if f"{s}/norms" in arrays}
    high = 1.02 * max(np.quantile(norms, 0.999) for norms in kept.values())
    bins = np.linspace(0, high, 70)
    heights, _ = np.histogram(next(iter(kept.values()))[0], bins, density=True)
    ax.stairs(heights, bins, color=GREY, fill=True, alpha=0.35, label="start")
    for scaling, norms in kept.items():
        words, colour = NAMES[scaling]
        heights, _ = np.histogram(norms[-1], bins, density=True)
        ax.stairs(heights, bins, color=COLOURS[colour], linewidth=1.6, label=f"end, {words}")
        mass = arrays.get(f"limit/{scaling}/mass")
        if mass is not None:
            density = mass[-1] / np.diff(arrays[f"limit/{scaling}/edges"])
            ax.plot(arrays[f"limit/{scaling}/radii"], density, "--", color="black", linewidth=1.1, label="radial PDE")
    ax.set_xlim(0, high)
    ax.set_xlabel("‖w‖")
    ax.set_ylabel("density")
    ax.legend(fontsize=8)
