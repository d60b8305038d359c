"""A sweep as a user starts it, on the cluster of these tests, and what is left of it afterwards."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from node_processes import stop_training

CLUSTER = Path(__file__).with_name("cluster.sh")

# Seconds of training of a small network, in double precision, in which sums over several processes differ from those
# of one by too little to matter at the end.
EPOCHS = 12
TRAINING = [
    "debug=fdr", "width=64", "data.n_train=6000", "trainer.precision=float64", "trainer.batch_size=128",
    f"trainer.max_epochs={EPOCHS}",
]  # fmt: skip
LAUNCHER = ["hydra/launcher=slurm_cpu", "hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=1"]
TWO_TASKS = ["trainer.devices=2", "trainer.accelerator=cpu"]
TWO_NODES = ["trainer.num_nodes=2", "trainer.accelerator=cpu"]
PATIENCE = 600  # seconds; the machine may be busy


class Sweep:
    """One command in a folder of its own."""

    def __init__(self, folder: Path, *overrides: str) -> None:
        self.folder, self.overrides = folder, overrides
        self.log = folder / "launcher.log"
        folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Sweep":
        """Give the command, or give it again."""
        return self._give("train", "-m", *LAUNCHER, *TRAINING, *self.overrides)

    def resubmit(self) -> "Sweep":
        """Have the command given again for what is missing."""
        return self._give("sweeps", "resubmit", str(self.folder))

    def _give(self, name: str, *arguments: str) -> "Sweep":
        command = [sys.executable, "-m", f"lazyregime.{name}", *arguments]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment(self.folder),
                # What a shell starts in the background ignores Ctrl-C, and so does all that comes of it.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )  # fmt: skip
        return self

    def end(self, code: int = 0) -> str:
        """Wait for the command; what it printed."""
        return self._wait("hangs", code)

    def stop(self, how: signal.Signals) -> str:
        """End the command, and not its jobs; what it printed."""
        assert self.process is not None
        self.process.send_signal(how)
        return self._wait(f"does not end by {how.name}")

    def kill(self) -> None:
        """End the command if it is there still."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _wait(self, what: str, code: int | None = None) -> str:
        assert self.process is not None
        try:
            found = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the launcher {what}:\n{self.everything()}") from None
        assert code is None or found == code, self.everything()
        return self.log.read_text()

    def hold(self, runs: int = 1) -> None:
        """Stop so many runs, each in the middle of its training; SLURM's signals wake them, for SIGCONT goes with each.

        So nothing depends on how fast the machine is.
        """
        held: set[Path] = set()

        def all_are_held() -> bool:
            for rows in set(self.folder.rglob("metrics.csv")) - held:
                if len(rows.read_text().splitlines()) > 2:  # the columns, and the row before the first epoch
                    stop_training(slurm("squeue", "-h", "-j", _job_of(rows.parent), "-o", "%A").strip())
                    held.add(rows)
            return len(held) >= runs

        wait_until(all_are_held, f"no epoch of {runs} runs", self.everything)

    def wake(self, job: str) -> None:
        """Let a run go on that is held."""
        slurm("scancel", "--signal=CONT", job)

    def wait_for_words(self, words: str) -> None:
        """Until the launcher has said so."""
        wait_until(lambda: words in self.log.read_text(), f"the launcher does not say {words!r}", self.everything)

    def wait_for_log(self, words: str) -> None:
        """Until a job has said so."""
        wait_until(lambda: words in self.logs(), f"no job says {words!r}", self.everything)

    def status(self) -> str:
        """What `lazyregime.sweeps status` says."""
        command = [sys.executable, "-m", "lazyregime.sweeps", "status", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def jobs(self) -> list[str]:
        """The SLURM jobs of its runs, by the names of these."""
        return [_job_of(path.parent) for path in sorted(self.folder.rglob("slurm.json"))]

    def restarts(self) -> list[int]:
        """How often SLURM has started each of its jobs again."""
        told = [slurm("scontrol", "show", "job", job) for job in sorted(set(self.jobs()))]
        return [int(each.partition("Restarts=")[2].split()[0]) for each in told]

    def logs(self) -> str:
        """What the jobs printed."""
        return "\n".join(p.read_text(errors="replace") for p in sorted(self.folder.rglob("*_log.out")))

    def repeated_epochs(self) -> int:
        """How many epochs were computed more than once, in all runs together; none may be missing."""
        times = Counter(int(epoch) for epoch in re.findall(rf"^epoch (\d+)/{EPOCHS}: ", self.logs(), re.MULTILINE))
        runs = len(list(self.folder.rglob("result.json")))
        assert set(times) == set(range(1, EPOCHS + 1)), self.everything()
        assert min(times.values()) >= runs, self.everything()
        return times.total() - runs * EPOCHS

    def everything(self) -> str:
        """For the message of a failure."""
        return f"{self.log.read_text()}\n{self.logs()[-6000:]}\n{slurm('squeue')}{slurm('sinfo', '-N', '-l')}"


def _job_of(run: Path) -> str:
    return str(json.loads((run / "slurm.json").read_text())["job"])


def environment(folder: Path) -> dict[str, str]:
    """With the runs in this folder, and a thread a process."""
    return {**os.environ, "LAZYREGIME_RUNS": str(folder), "OMP_NUM_THREADS": "1"}


def slurm(*command: str) -> str:
    """What a command of SLURM's prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


def wait_until(condition: Callable[[], bool], failure: str, more: Callable[[], str] = str) -> None:
    """Look ten times a second."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{failure}\n{more()}"
        time.sleep(0.1)


# The checksums are of files that say how long things took; kernels and rows are compared themselves.
TIMES = (
    "seconds",
    "seconds_training",
    "seconds_probe",
    "started",
    "finished",
    "host",
    "num_threads",
    "checksums",
    "sha256",
)


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
