"""The null of a run's verdict: two initializations of its network, compared once for all runs of the architecture."""

import time

import torch

from lazyregime.app.compose.build import build_network
from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.console import Console
from lazyregime.home import at_home
from lazyregime.measure import Probe
from lazyregime.measure.null import NUM_DRAWS, Null

FOLDER = ".nulls"  # of the runs' folder
TOLD_FROM = 1.0  # seconds


def null_for(config: ConfigDict, probe: Probe, device: torch.device, console: Console) -> Null | None:
    """That of the run's architecture, read where it was measured before; None if the run wants none."""
    number = config["ntk"]["null"]
    if number == 0 or probe.points is None:
        return None
    since, folder = time.perf_counter(), at_home(config["runs_dir"]) / FOLDER
    if folder.is_symlink():
        console.warn(f"{folder} is a link, and nothing is written through one; the null is measured and not kept.")
    null = probe.null(
        lambda seed: build_network({**config, "init_seed": seed}).to(device),
        num_draws=number or NUM_DRAWS,
        memory_budget=config["ntk"]["memory_budget"],
        kept_in=None if folder.is_symlink() else folder,
    )
    seconds = time.perf_counter() - since
    if null is not None and seconds > TOLD_FROM:
        console.say(
            f"Two initializations of the network were compared for the verdict, in {seconds:.0f} s; the next run of "
            "this architecture reads what was found (ntk.null=0 does without)."
        )
    return null
