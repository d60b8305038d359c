"""An epoch of lazyregime against a bare PyTorch loop over the same tensors, and a lazy epoch against a regular one.

    python benchmarks/training.py [--width 1024] [--batches 100] [--rounds 7]

Both run in one process, in turns: after each epoch of the Trainer (with all the callbacks of a real run but the kernel
probe) the bare loop does an epoch on the same batches: forward, cross entropy, backward, fused Adam, and nothing else.
Printed are medians over the rounds and their ratios. Targets: regular / bare <= 1.15, lazy / regular <= 1.8.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from lazyregime.app.console import Console
from lazyregime.app.tracking import open_tracking
from lazyregime.app.train import TRAIN
from lazyregime.app.training import Training
from lazyregime.data import Batches
from lazyregime.lightning import pl
from lazyregime.networks import MLP


class InTurns(pl.Callback):
    """Times the Trainer's epochs, and runs the other loop after each."""

    def __init__(self, other):
        self.other, self.own_seconds, self.other_seconds = other, [], []

    def on_train_epoch_start(self, trainer, pl_module):
        """Start the clock."""
        self.start = time.perf_counter()

    def on_train_epoch_end(self, trainer, pl_module):
        """Stop it, and run the other loop; listed first, so before the evaluation on test data."""
        self.own_seconds.append(time.perf_counter() - self.start)
        start = time.perf_counter()
        self.other()
        self.other_seconds.append(time.perf_counter() - start)


def bare_loop(batches, width):
    """A plain training loop."""
    network = MLP(width)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)

    def epoch():
        for x, y in batches:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()

    return epoch


def measure(regime, options):
    """Median seconds a step of the Trainer and of the bare loop."""
    with tempfile.TemporaryDirectory() as folder:
        config = TRAIN.source.compose_job(
            [
                f"regime={regime}", f"width={options.width}", "ntk=none", "tracking=csv", "data.n_test=200",
                f"trainer.max_epochs={options.rounds + 1}", f"trainer.limit_batches={options.batches}",
                f"runs_dir={folder}",
            ]
        )  # fmt: skip
        run, console = TRAIN.folder(config), Console(quiet=True)
        Path(run.path).mkdir(parents=True)
        with open_tracking(config, run, console.say) as tracking:
            training = Training(config, run, console, tracking)
            data = training.data
            batches = Batches(data.train_inputs, data.train_labels, batch_size=128, limit=options.batches)
            turns = InTurns(bare_loop(batches, options.width))
            training.trainer.callbacks.insert(0, turns)
            training.run()
    steps = options.batches
    own, bare = (statistics.median(s[1:]) / steps for s in (turns.own_seconds, turns.other_seconds))  # [0] warms up
    return own, bare


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(f"MLP-{options.width}, batch 128, fused Adam, {torch.get_num_threads()} threads, torch {torch.__version__}")
    seconds = {regime: measure(regime, options) for regime in ("regular", "lazy", "feature")}
    for regime, (own, bare) in seconds.items():
        print(f"{regime:8} {own * 1e3:7.2f} ms a step; bare loop beside it {bare * 1e3:7.2f}; ratio {own / bare:.3f}")
    relative = {regime: own / bare for regime, (own, bare) in seconds.items()}
    print(f"regular / bare    {relative['regular']:.3f}  (target 1.15)")
    print(f"lazy / regular    {relative['lazy'] / relative['regular']:.3f}  (target 1.8)")
    print(f"feature / regular {relative['feature'] / relative['regular']:.3f}")


if __name__ == "__main__":
    main()
