"""How long a job takes from its start to its first training step, and what of that is imports.

python benchmarks/job_start.py [--repeats 5] [OVERRIDES...]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ORDINARY = ["width=1024", "ntk=none", "trainer.limit_batches=1", "trainer.max_epochs=1", "tracking=csv"]


def seconds_to_first_step(overrides: list[str]) -> float:
    """From the start of the process to metrics.csv, which is written on the eve of the first step."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "lazyregime.train", *ORDINARY, *overrides, f"runs_dir={folder}"]
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while not any(Path(folder).rglob("metrics.csv")):
                if process.poll() is not None:
                    raise SystemExit(f"{' '.join(command)} ended without a step.")
                time.sleep(0.005)
            return time.perf_counter() - start


def seconds_of_import(module: str) -> float:
    """Of a fresh interpreter that imports it."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("overrides", nargs="*")
    given = parser.parse_args()
    os.environ.setdefault("WANDB_MODE", "offline")
    for module in ("torch", "lazyregime.app.door", "lazyregime.app.train.training"):
        found = statistics.median(seconds_of_import(module) for _ in range(given.repeats))
        print(f"import {module:<28} {found:6.2f} s", flush=True)
    whole = statistics.median(seconds_to_first_step(given.overrides) for _ in range(given.repeats))
    print(f"start to first training step        {whole:6.2f} s")


if __name__ == "__main__":
    main()
