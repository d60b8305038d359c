"""Flows whose quantities are powers of N, and clouds beside a radial PDE, that obey a statement or break it."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._trial import made_up, with_arrays

WIDTHS, STARTS = (64, 128, 256, 512, 1024), np.array([1.0, 1.02, 0.98])
RIGHT = {"mean_field.kernel_constant": 0.0, "mean_field.kernel_moves": 0.0}  # else -1/2
WRONG = {  # else slower: -0.1
    **{"mean_field.fluctuation": -1.0, "mean_field.kernel_constant": -0.5, "mean_field.kernel_moves": -1.0},
    **{"mean_field.propagation_of_chaos": -1.0, "mean_field.sliced_wasserstein": -1.0},
}


def trial(name: str, settings: Mapping[str, str], folder: Path, obeys: bool) -> pd.DataFrame:
    """One flow of three starts in which every quantity is c_s N^power."""
    power = RIGHT.get(name, -0.5) if obeys else WRONG.get(name, -0.1)
    return flow_of_power(folder, power, **{"target": "teacher", "activation": "tanh", **settings})


def flow_of_power(folder: Path, power: float, **settings: str) -> pd.DataFrame:
    """The runs: one flow."""
    arrays = {"times": np.array([0.0, 1.0])}
    for scaling in ("mean_field", "ntk"):
        for width in WIDTHS:
            row = STARTS * float(width) ** power
            for name in ("risk", "kernel_change", "displacement", "fluctuation", "frozen_gap"):
                arrays[f"{scaling}/{width}/{name}"] = np.stack([np.zeros(3), row]) + (name == "risk")
            for name in ("chaos", "sliced"):
                arrays[f"{scaling}/{name}_{width}"] = row
    if power < 0:  # the curves tend to one that the widest has reached
        arrays[f"mean_field/{WIDTHS[-1]}/risk"] = np.ones((2, 3))
    told = {"command": "flow", "num_seeds": 3, "width": WIDTHS[-1], **settings}
    return made_up([{**told, "path": with_arrays(folder, "flow", arrays)}])


def profile_trial(folder: Path, obeys: bool) -> pd.DataFrame:
    """800 particles of three starts with the distribution of the PDE, a lump about 1, or half as far out."""
    edges = np.linspace(0, 2, 401)
    centres = (edges[1:] + edges[:-1]) / 2
    mass = np.exp(-((centres - 1) ** 2) / (2 * 0.1**2))
    mass /= mass.sum()
    cdf = np.concatenate([[0.0], np.cumsum(mass)])
    norms = np.interp(np.random.default_rng(0).random((5, 3, 800)), cdf, edges)
    arrays = {
        "times": np.linspace(0, 1, 5), "mean_field/norms": norms if obeys else 0.5 * norms,
        "limit/mean_field/mass": np.tile(mass, (5, 1)), "limit/mean_field/edges": edges,
        "limit/mean_field/radii": centres,
    }  # fmt: skip
    told = {"command": "flow", "num_seeds": 3, "width": 800, "target": "two_gaussians", "init": "mmn18"}
    return made_up([{**told, "path": with_arrays(folder, "flow", arrays)}])
