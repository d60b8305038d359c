"""A run that is killed at several moments has in wandb what stands in metrics.csv, row for row, for each command."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from wandb_file import history, wandb_runs

from lazyregime.runs.tables import read_rows
from lazyregime.tracking.names import tracked_names

SPHERE = ("data=sphere", "data.n_train=200", "data.n_test=50", "tracking=wandb", "group=g", "num_threads=1")
FLOW = ("optimizer=gradient_flow", "optimizer.margin=null", "optimizer.max_steps=300", "arch.activation=tanh")
COMMANDS = {
    "train": ("train", *SPHERE, "loss=mse", "width=16", "arch.depth=1", "ntk=none", "trainer.max_epochs=60"),
    "gradient_flow": ("train", *SPHERE, *FLOW, "loss=mse", "width=16", "arch.depth=1", "ntk=none"),
    "fit": ("fit", *SPHERE, "ridges=[1e-3,1e-2,0.1]"),
    "flow": ("flow", "widths=[8,16]", "num_seeds=2", "end_time=2", "tracking=wandb", "group=g", "num_threads=1"),
}


@pytest.mark.parametrize(
    ("name", "stops"),
    [
        ("train", (signal.SIGKILL, signal.SIGTERM)),
        ("gradient_flow", (signal.SIGTERM, signal.SIGKILL)),
        ("fit", (signal.SIGKILL,)),
        ("flow", (signal.SIGKILL,)),
    ],
)
def test_killed_the_last_part_is_metrics_csv(name, stops, runs_dir):
    command = [sys.executable, "-m", f"lazyregime.{COMMANDS[name][0]}", *COMMANDS[name][1:]]
    moment = random.Random(name)
    # as from a shell: not by the service of a run of these tests, which writes when it likes
    alone = {key: value for key, value in os.environ.items() if key != "WANDB_SERVICE"}
    for stop in stops:
        before = traces(runs_dir, name)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=alone)
        while process.poll() is None and traces(runs_dir, name) == before:
            time.sleep(0.01)
        time.sleep(moment.uniform(0, 1))
        process.send_signal(stop)
        process.wait()
    last = subprocess.run(command, check=True, env=alone, capture_output=True, text=True).stdout
    assert name != "train" or "Resuming from" in last
    (folder,) = {path.parent for path in runs_dir.rglob("result.json")}
    rows = read_rows(folder / "metrics.csv")
    runs = wandb_runs(runs_dir / "g", patience=0)
    assert len(rows) > 2 and len({run.run.run_id for run in runs if run.run is not None}) == 1
    assert as_numbers(history(runs[-1])) == as_numbers(map(tracked_names, rows)) and runs[-1].exit_code == 0


def traces(runs_dir, name):
    """Changes when a training has written a row, or another command has begun a part of wandb's history."""
    what = "g/*/metrics.csv" if name == "train" else "g/wandb/*run-*/run-*.wandb"
    return [(path, path.stat().st_size if name == "train" else 0) for path in sorted(runs_dir.glob(what))]


def as_numbers(rows):
    """Exactly, but 1 for 1.0, and a number that is none is one that is none."""
    return [{key: repr(float(value)) for key, value in row.items()} for row in rows]
