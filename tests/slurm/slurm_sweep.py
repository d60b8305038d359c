"""A sweep as a user starts it, on the cluster of these tests, and what is left of it afterwards."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CLUSTER = Path(__file__).with_name("cluster.sh")

# Seconds of training of a tiny network: long enough to be disturbed in the middle.
TRAINING = ["debug=fdr", "width=16", "data.n_train=6000", "trainer.batch_size=32", "trainer.max_epochs=16"]
LAUNCHER = ["hydra/launcher=slurm_cpu", "hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=1"]
TWO_TASKS = ["trainer.devices=2", "trainer.accelerator=cpu"]
TWO_NODES = ["trainer.num_nodes=2", "trainer.accelerator=cpu"]
PATIENCE = 300  # seconds; the machine may be busy


class Sweep:
    """One command in a folder of its own."""

    def __init__(self, folder: Path, *overrides: str) -> None:
        self.folder, self.overrides = folder, overrides
        self.log = folder / "launcher.log"
        folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Sweep":
        """Give the command, or give it again."""
        command = [sys.executable, "-m", "lazyregime.train", "-m", *LAUNCHER, *TRAINING, *self.overrides]
        environment = {**os.environ, "LAZYREGIME_RUNS": str(self.folder), "OMP_NUM_THREADS": "1"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores Ctrl-C
            )  # fmt: skip
        return self

    def end(self, code: int = 0) -> str:
        """Wait for the command; what it printed."""
        assert self.process is not None
        try:
            found = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the launcher hangs:\n{self.everything()}") from None
        assert found == code, self.everything()
        return self.log.read_text()

    def stop(self, how: signal.Signals) -> str:
        """End the command, and not its jobs."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(60)
        return self.log.read_text()

    def wait_for_rows(self, rows: int, runs: int = 1) -> None:
        """Until so many runs are in the middle of their training."""
        wait_until(
            lambda: sum(len(p.read_text().splitlines()) > rows for p in self.folder.rglob("metrics.csv")) >= runs,
            f"no {rows} epochs of {runs} runs",
            self.everything,
        )

    def wait_for_words(self, words: str) -> None:
        """Until the launcher has said so."""
        wait_until(lambda: words in self.log.read_text(), f"the launcher does not say {words!r}", self.everything)

    def jobs(self) -> list[str]:
        """The SLURM jobs of its runs, by the names of these."""
        return [json.loads(p.read_text())["job"] for p in sorted(self.folder.rglob("slurm.json"))]

    def logs(self) -> str:
        """What the jobs printed."""
        return "\n".join(p.read_text(errors="replace") for p in sorted(self.folder.rglob("*_log.out")))

    def everything(self) -> str:
        """For the message of a failure."""
        return f"{self.log.read_text()}\n{self.logs()[-6000:]}\n{slurm('squeue')}"


def slurm(*command: str) -> str:
    """What a command of SLURM's prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def wait_until(condition: Callable[[], bool], failure: str, more: Callable[[], str] = str) -> None:
    """Look ten times a second."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{failure}\n{more()}"
        time.sleep(0.1)


TIMES = ("seconds", "seconds_training", "seconds_probe", "started", "finished", "host", "num_threads")


def outcome(folder: Path) -> dict[str, object]:
    """All that a sweep has found, run by run: its scalars, its rows and its kernels, but not how long it took."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("result.json")):
        result = {k: v for k, v in json.loads(path.read_text()).items() if k not in TIMES}
        rows = [
            {k: v for k, v in row.items() if k != "seconds"}
            for row in csv.DictReader((path.parent / "metrics.csv").read_text().splitlines())
        ]
        kernels = (path.parent / "kernels.safetensors").read_bytes()
        found[path.parent.name] = (result, rows, kernels)
    return found
