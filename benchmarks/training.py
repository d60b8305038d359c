"""An epoch of lazyregime against a bare PyTorch loop over the same tensors, and a lazy epoch against a regular one.

    python benchmarks/training.py [--width 1024] [--batches 100] [--rounds 9]

All run in one process, in turns: in each round an epoch of each regime by its own Trainer (with all the callbacks of a
real run but the kernel probe), and an epoch of the bare loop on the same batches: forward, cross entropy, backward,
fused Adam, and nothing else. Printed are the quartiles over the rounds, of milliseconds a step and of the ratios within
a round: where they lie apart, the machine was not quiet. Targets: regular / bare <= 1.15, lazy / regular <= 1.8.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import torch

from lazyregime.app.console import Console
from lazyregime.app.train.command import TRAIN
from lazyregime.app.train.training import Training
from lazyregime.data import Batches
from lazyregime.lightning import pl
from lazyregime.networks import MLP
from lazyregime.tracking.tracking import open_tracking

BATCH_SIZE = 128
RATIOS = [("regular", "bare", "target 1.15"), ("lazy", "regular", "target 1.8"), ("feature", "regular", "no target")]


class Clock(pl.Callback):
    """The seconds of the last epoch's training; listed first, so before the evaluation on test data."""

    def on_train_epoch_start(self, trainer, pl_module):
        """Start."""
        self.start = time.perf_counter()

    def on_train_epoch_end(self, trainer, pl_module):
        """Stop."""
        self.seconds = time.perf_counter() - self.start


def bare_epoch(batches, width):
    """A function that makes an epoch of a plain training loop and returns its seconds."""
    network = MLP(width)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)

    def epoch():
        start = time.perf_counter()
        for x, y in batches:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()
        return time.perf_counter() - start

    return epoch


def trainer_epoch(training, batches):
    """The same by a run's own Trainer, which goes on where it was."""
    clock, trainer = Clock(), training.trainer
    trainer.callbacks.insert(0, clock)

    def epoch():
        last = training.folder.checkpoints / "last.ckpt"
        trainer.fit_loop.max_epochs = trainer.current_epoch + 1
        resume = {"ckpt_path": last, "weights_only": True} if last.exists() else {}
        trainer.fit(training.module, train_dataloaders=batches, **resume)
        return clock.seconds

    return epoch


def prepare(regime, options, stack):
    """A run of this regime that has not begun."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    config = TRAIN.source.compose_job(
        [
            f"regime={regime}", f"width={options.width}", "ntk=none", "tracking=csv", "data.n_test=200",
            f"trainer.batch_size={BATCH_SIZE}", f"runs_dir={folder}",
        ]
    )  # fmt: skip
    run, console = TRAIN.folder(config), Console(quiet=True)
    Path(run.path).mkdir(parents=True)
    return Training(config, run, console, stack.enter_context(open_tracking(config, run, console.say)))


def measure(options):
    """Milliseconds a step, by what was run: one figure a round."""
    with ExitStack() as stack:
        runs = {regime: prepare(regime, options, stack) for regime in ("regular", "lazy", "feature")}
        data = runs["regular"].data
        batches = Batches(data.train_inputs, data.train_labels, batch_size=BATCH_SIZE, limit=options.batches)
        epochs = {name: trainer_epoch(run, batches) for name, run in runs.items()}
        epochs["bare"] = bare_epoch(batches, options.width)
        rounds = [{name: epoch() for name, epoch in epochs.items()} for _ in range(options.rounds + 1)]
    return {name: [seconds[name] * 1e3 / options.batches for seconds in rounds[1:]] for name in epochs}  # [0] warms up


def quartiles(values, digits):
    """Median (first to third quartile)."""
    low, middle, high = (f"{q:.{digits}f}" for q in statistics.quantiles(values, n=4, method="inclusive"))
    return f"{middle} ({low} to {high})"


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(f"MLP-{options.width}, batch {BATCH_SIZE}, fused Adam, {torch.get_num_threads()} threads, torch "
          f"{torch.__version__}; {options.rounds} rounds: median (quartiles)")  # fmt: skip
    times = measure(options)
    for name, ms in times.items():
        print(f"{name:18} {quartiles(ms, 2)} ms a step")
    for over, under, target in RATIOS:
        ratios = [a / b for a, b in zip(times[over], times[under], strict=True)]
        print(f"{over + ' / ' + under:18} {quartiles(ratios, 3)}, {target}")


if __name__ == "__main__":
    main()
