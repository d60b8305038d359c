"""What looking costs: seconds of the probe over seconds of training, of the default run and of ResNet-18 on CIFAR-10.

    python benchmarks/probing.py [--batches 20] [--anchors 3] [--test 100] [SETTING ...]

One run each, with a look at initialization, after each epoch and at the end, and the null of two initializations. Of
each epoch so many batches are trained, and their time is multiplied up to the whole epoch: the steps are alike, and the
looks do not depend on them. Looks and steps take turns in one process, so a busy machine slows both. Target: 5%.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch

from lazyregime import run
from lazyregime.measure.probe import Probe

BATCH, EPOCHS = 128, 5  # of the default run
CASES = [
    ("MLP-1024 on MNIST (the default run)", [], 60_000),
    ("ResNet-18, 16 channels, on CIFAR-10", ["arch=resnet18", "data=cifar10"], 50_000),
]


def timed(name):
    """The list of seconds that calls of this method of `Probe` take from now on."""
    seconds, original = [], getattr(Probe, name)

    def method(probe, *args, **kwargs):
        start = time.perf_counter()
        try:
            return original(probe, *args, **kwargs)
        finally:
            seconds.append(time.perf_counter() - start)

    setattr(Probe, name, method)
    return seconds


def measure(overrides, options):
    """Seconds a step."""
    epochs = ",".join(map(str, range(1, EPOCHS)))
    with tempfile.TemporaryDirectory() as folder:
        run(
            *overrides, "tracking=csv", f"runs_dir={folder}", "data.n_train=5000", "data.n_test=200",
            f"trainer.limit_batches={options.batches}", f"ntk.anchors_per_class={options.anchors}",
            f"ntk.n_test={options.test}", f"ntk.n_held_out={10 * options.anchors}", f"ntk.at.epochs=[{epochs}]",
            *options.settings, quiet=True,
        )  # fmt: skip
        found = json.loads(next(Path(folder).rglob("result.json")).read_text())
    return found["seconds_training"] / found["steps"]


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--anchors", type=int, default=3, help="of each class")
    parser.add_argument("--test", type=int, default=100)
    parser.add_argument("settings", nargs="*", metavar="SETTING", help="of both runs, such as width=8")
    options = parser.parse_args()
    looks, nulls = timed("look"), timed("null")
    print(f"{10 * options.anchors} anchors, {10 * options.anchors} held-out and {options.test} test points, "
          f"{torch.get_num_threads()} threads, torch {torch.__version__}", *options.settings, "\n")  # fmt: skip
    print("| run | training, 5 epochs | a look | looks | null | all, of the training |\n|---|---|---|---|---|---|")
    for name, overrides, n_train in CASES:
        looks.clear(), nulls.clear()
        training = measure(overrides, options) * EPOCHS * -(-n_train // BATCH)
        spent = (sum(looks) + sum(nulls)) / training
        print(f"| {name} | {training:.0f} s | {sum(looks) / len(looks):.2f} s | {len(looks)} | {sum(nulls):.1f} s | "
              f"{spent:.1%} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
