"""A flow on one page: risk in time under both scalings with their limits, kernel and particles, residual by mode."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lazyregime.errors import LazyRegimeError
from lazyregime.reports.figures.axes import width_axis
from lazyregime.reports.figures.style import COLOURS, GREY, columns_for, grid, house_style, save, shades
from lazyregime.reports.reading.folder import read_kernels, read_run
from lazyregime.reports.run_figures.animation import animate
from lazyregime.reports.run_figures.particles import draw_particles, marginal

Arrays = Mapping[str, np.ndarray]
SCALINGS = {"mean_field": ("α = 1 (mean-field)", "feature"), "ntk": ("α = √N (NTK)", "lazy")}
MODES = (0, 2, 5, 10, 25)


def draw_flow(folder: str | Path, result: Mapping[str, Any] | None = None) -> Path:
    """Draw figures/summary.png of a run, figures/particles.png where they were kept, and for d = 2 particles.gif.

    Raises:
        LazyRegimeError: If the folder holds no flow.
    """
    folder = Path(folder)
    run, arrays = read_run(folder) | dict(result or {}), read_kernels(folder / "kernels.safetensors")
    scalings = [s for s in SCALINGS if any(key.startswith(f"{s}/") for key in arrays)]
    if not scalings:
        raise LazyRegimeError(f"{folder} holds no flow to draw; make one with `python -m lazyregime.flow`.")
    with house_style():
        panels = _panels(run, arrays, scalings)
        figure, axes = grid(-(-len(panels) // columns_for(len(panels))), columns_for(len(panels)), 4.2, 3.7)
        for ax, letter, panel in zip(axes.flat, "abcdefg", panels, strict=False):
            panel(ax)
            ax.set_title(f"{letter}  {ax.get_title(loc='left')}")
        for ax in axes.flat[len(panels) :]:
            ax.set_axis_off()
        risks = list(axes.flat[: len(scalings)])
        low, high = min(ax.get_ylim()[0] for ax in risks), max(ax.get_ylim()[1] for ax in risks)
        for ax in risks:
            ax.set_ylim(max(low, high * 1e-6), high)
        figure.suptitle(_title(run), x=0.015, ha="left")
        path = save(figure, folder / "figures" / "summary.png", formats=("png",))
        if any(f"{s}/snapshots" in arrays for s in scalings):
            draw_particles(folder / "figures" / "particles.png", arrays, scalings)
            if run.get("in_features") == 2:
                animate(folder / "figures" / "particles.gif", arrays, scalings)
    return path


def _panels(run: Mapping[str, Any], arrays: Arrays, scalings: list[str]) -> list[Callable[[Axes], None]]:
    """What there is to show: a single width has no slopes, and only a fixed sample has modes that decay."""
    panels: list[Callable[[Axes], None]] = [partial(_risks, arrays=arrays, scaling=scaling) for scaling in scalings]
    if len(widths_of(arrays, scalings[0])) > 1:
        panels += [
            partial(
                _against_width, arrays=arrays, scalings=scalings, name=name, title=f"{title} at the end", label=label
            )
            for name, title, label in (
                ("kernel_change", "Kernel change", "‖K_T − K₀‖ / ‖K₀‖"),
                ("displacement", "Displacement of a particle", "|θ_T − θ₀|, rms"),
            )
        ]
    if run.get("integrator") != "sgd" and run.get("target") != "quadratic":
        panels.append(partial(_modes, arrays=arrays, scaling=scalings[-1]))
    if any(f"{scaling}/norms" in arrays for scaling in scalings):
        panels.append(partial(marginal, arrays=arrays, scalings=scalings))
    return panels


def widths_of(arrays: Arrays, scaling: str) -> list[int]:
    """The widths that were followed, increasing."""
    return sorted({int(key.split("/")[1]) for key in arrays if key.startswith(f"{scaling}/") and key.endswith("/risk")})


def _title(run: Mapping[str, Any]) -> str:
    data = "fresh data" if run.get("integrator") == "sgd" else f"n = {run.get('n_samples')}"
    learned = f"{run.get('target')}, σ = {run.get('activation')}, d = {run.get('in_features')}, {data}"
    return f"Two-layer flow: {learned}; start {run.get('init')}, {run.get('num_seeds')} seeds"


def _risks(ax: Axes, arrays: Arrays, scaling: str) -> None:
    """Mean over the seeds and the band of one standard deviation, a shade a width; the limit dashed."""
    ax.set_title(f"Risk, {SCALINGS[scaling][0]}")
    widths, t = widths_of(arrays, scaling), arrays["times"]
    for width, colour in zip(widths, shades(len(widths)), strict=True):
        risk = arrays[f"{scaling}/{width}/risk"]
        mean, spread = risk.mean(1), risk.std(1)
        ax.plot(t[1:], mean[1:], color=colour, linewidth=1.4, label=f"N = {width}")
        ax.fill_between(t[1:], np.maximum(mean - spread, 1e-300)[1:], (mean + spread)[1:], color=colour, alpha=0.15)
    limit = arrays.get(f"limit/{scaling}/risk")
    if limit is not None:
        ax.plot(t[1:], limit[1:], "--", color="black", linewidth=1.6, label="limit")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("time t")
    ax.set_ylabel("risk R(t)")
    ax.legend(loc="lower left", fontsize=7.6, ncols=2 if len(widths) > 5 else 1)


def _against_width(ax: Axes, arrays: Arrays, scalings: list[str], name: str, title: str, label: str) -> None:
    """Mean and standard deviation over seeds at the last time, and slopes -1/2 and -1 as guides."""
    all_widths = np.array(widths_of(arrays, scalings[0]), dtype=float)
    is_positive = False  # with trained=a the kernel is what it was, and zero has no logarithm
    for scaling in scalings:
        words, colour = SCALINGS[scaling]
        values = [arrays[f"{scaling}/{width:.0f}/{name}"][-1] for width in all_widths]
        means, spreads = np.array([v.mean() for v in values]), np.array([v.std() for v in values])
        is_positive |= bool((means > 0).any())
        ax.errorbar(all_widths, means, spreads, fmt="o-", color=COLOURS[colour], label=words, markersize=4.5)
        if scaling == "ntk" and len(all_widths) > 1:
            for power, style in ((-0.5, ":"), (-1.0, "--")):
                guide = 1.25 * means[0] * (all_widths / all_widths[0]) ** power
                ax.plot(all_widths, guide, style, color=GREY, linewidth=1.1, label=f"N^{power:g}")
    ax.set_yscale("log" if is_positive else "linear")
    width_axis(ax, all_widths)
    ax.tick_params(axis="x", labelrotation=45 if len(all_widths) > 6 else 0)
    ax.set_title(title)
    ax.set_xlabel("width N")
    ax.set_ylabel(label)
    ax.legend(loc="lower left", fontsize=8)


def _modes(ax: Axes, arrays: Arrays, scaling: str) -> None:
    """|<q_i, u_t>| of the widest cloud (seed 0) against its start times e^{-lambda_i t}."""
    t, values, modes = arrays["times"], arrays[f"{scaling}/eigenvalues"], np.abs(arrays[f"{scaling}/modes"])
    chosen = [i for i in MODES if i < len(values)]
    for i, colour in zip(chosen, shades(len(chosen)), strict=True):
        start = modes[0, i]
        ax.plot(t[1:], modes[1:, i], "o", color=colour, markersize=3.2, label=f"λ = {values[i]:.2g}")
        fine = np.geomspace(t[1], t[-1], 200)
        ax.plot(fine, start * np.exp(-values[i] * fine), color=colour, linewidth=1.1)
    ax.set_xscale("log")
    ax.set_yscale("log")
    top = modes[0].max()
    ax.set_ylim(top * 1e-4, top * 2)
    ax.set_title(f"Residual by eigenmode of K₀, {SCALINGS[scaling][0].split(' (')[0]}")
    ax.set_xlabel("time t")
    ax.set_ylabel("|⟨qᵢ, u_t⟩| / √n (line: e^(−λᵢt))")
    ax.legend(loc="lower left", fontsize=7.8)
