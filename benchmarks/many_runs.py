"""How long `report` and `sweeps status` take over many runs: a sweep over regimes, widths, alphas and seeds.

    python benchmarks/many_runs.py [--runs 2000] [--repeats 3] [--folder FOLDER]

One small training is run; its folder is copied for each run of the sweep, with that run's choices in config.yaml and
result.json, through the functions by which a run writes them (checksums and all). Each command is timed in a process of
its own, imports included; medians, by the clock and of the processor (which other work on the machine changes less).
Targets for 2000 runs: report < 20 s, status < 2 s.
"""

import argparse
import dataclasses
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice, product
from pathlib import Path

from omegaconf import OmegaConf

import lazyregime
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.result import Seeds

SMALL = ("data.n_train=1000", "data.n_test=500", "trainer.max_epochs=10", "width=64", "tracking=csv")
CASES = [*(("regular", 1.0), ("feature", 1.0), ("lazy", 1.0)), *(("scaled", 10.0**k) for k in range(-1, 4))]
WIDTHS = (64, 128, 256, 512, 1024)


def original(folder: Path) -> RunFolder:
    """One small training."""
    lazyregime.run(*SMALL, f"runs_dir={folder}", "group=original", quiet=True)
    return RunFolder.at(next((folder / "original").glob("*-s0-*")))


def copies(of: RunFolder, folder: Path, count: int) -> None:
    """As many runs of other choices, in one group."""
    config, result = OmegaConf.load(of.config), of.read_result()
    seeds = range(1 + count // (len(CASES) * len(WIDTHS)))
    for seed, width, (regime, alpha) in islice(product(seeds, WIDTHS, CASES), count):
        names = ("seed", "init_seed", "data_seed", "batch_seed", "data.data_seed")
        for key, value in (
            ("runs_dir", str(folder)),
            ("group", "sweep"),
            *((name, seed) for name in names),
            ("width", width),
            ("arch.width", width),
            ("regime.name", regime),
            ("alpha", alpha),
        ):
            OmegaConf.update(config, key, value)
        one = RunFolder.of(OmegaConf.to_container(config))
        one.path.mkdir(parents=True)
        for path in (of.metrics, of.kernels):
            shutil.copyfile(path, one.path / path.name)
        one.write_config(OmegaConf.to_yaml(config))
        which = dataclasses.replace(result.which, name=one.name, id=one.id, group=one.group)
        trained = dataclasses.replace(result.trained, regime=regime, alpha=alpha, width=width)
        every = Seeds(seed=seed, init_seed=seed, data_seed=seed, batch_seed=seed)
        measures = {
            key: value * (1 + 0.01 * seed / len(seeds)) if isinstance(value, float) and value < 0.9 else value
            for key, value in result.measures.items()
        }
        one.write_result(dataclasses.replace(result, which=which, trained=trained, seeds=every, measures=measures))


def seconds(*words: str) -> tuple[float, float]:
    """Of a command in a process of its own: by the clock, and of the processor."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the runs are made and kept (default: a temporary folder)")
    given = parser.parse_args()
    os.environ.setdefault("WANDB_MODE", "offline")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        group = folder / "sweep"
        if not group.exists():
            copies(original(folder), folder, given.runs)
        print(f"{sum(1 for _ in group.iterdir())} runs", flush=True)
        for name, words in (
            ("status", ("-m", "lazyregime.sweeps", "status", str(group))),
            ("report", ("-m", "lazyregime.report", str(group), "--out", str(folder / "report"))),
        ):
            clock, processor = zip(*(seconds(*words) for _ in range(given.repeats)), strict=True)
            print(f"{name:<8}{statistics.median(clock):7.2f} s, {statistics.median(processor):.2f} s of the processor")


if __name__ == "__main__":
    main()
