"""The particles in motion under each scaling, for d = 2, as a GIF."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lazyregime.atomic import atomic_write
from lazyregime.reports.run_figures.particles import NAMES, scatter, snapshot_times

FRAMES_A_SECOND = 8


def animate(path: Path, arrays: Mapping[str, np.ndarray], scalings: list[str]) -> Path:
    """One panel a scaling, one frame a snapshot."""
    figure = Figure(figsize=(3.5 * len(scalings), 3.7), layout="constrained")
    FigureCanvasAgg(figure)
    clouds = {s: arrays[f"{s}/snapshots"] for s in scalings}
    reach = 1.05 * max(np.quantile(np.abs(cloud[..., 1:]), 0.998) for cloud in clouds.values())
    height = np.quantile(np.abs(next(iter(clouds.values()))[..., 0]), 0.98)
    axes = figure.subplots(1, len(scalings), squeeze=False)[0]
    points = {}
    for ax, (scaling, cloud) in zip(axes, clouds.items(), strict=True):
        points[scaling] = scatter(ax, cloud[0], np.eye(2), reach, height)
        ax.set_xlabel("w₁")
        ax.set_ylabel("w₂")
    times = snapshot_times(arrays, scalings[0])

    def frame(k: int) -> list[object]:
        for ax, (scaling, cloud) in zip(axes, clouds.items(), strict=True):
            points[scaling].set_offsets(cloud[k][:, 1:])
            points[scaling].set_array(cloud[k][:, 0])
            ax.set_title(f"{NAMES[scaling][0]}, t = {times[k]:.2f}")
        return list(points.values())

    film = FuncAnimation(figure, frame, frames=len(times), blit=False)  # pyright: ignore[reportArgumentType]
    with tempfile.TemporaryDirectory() as place:
        drawn = Path(place) / path.name
        film.save(drawn, writer=PillowWriter(fps=FRAMES_A_SECOND), dpi=80)
        atomic_write(path, drawn.read_bytes())
    return path
