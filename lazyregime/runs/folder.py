"""A run is the folder ``runs/<group>/<name>-<id>/``; it is complete if and only if its result.json says so."""

import contextlib
import json
import os
import platform
import shutil
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazyregime.atomic import atomic_write, remove_leftovers
from lazyregime.errors import LazyRegimeError
from lazyregime.home import at_home
from lazyregime.runs.checkpoints import Checkpoints
from lazyregime.runs.checksums import checksum_of_object, checksums_of, differing
from lazyregime.runs.clock import utc_now
from lazyregime.runs.identity import TRAINING, Naming, folder_name, identity, readable_name
from lazyregime.runs.lock import holder, lock
from lazyregime.runs.result import Result
from lazyregime.runs.status import Status
from lazyregime.runs.stored import stored_result


@dataclass(frozen=True)
class RunFolder:
    """Where one run lies, and how it is read and written."""

    path: Path
    id: str
    name: str
    group: str

    @staticmethod
    def of(config: Mapping[str, Any], command: str = "train", naming: Naming = TRAINING) -> "RunFolder":
        """The folder that belongs to a resolved configuration; nothing is made yet."""
        group = "/".join(folder_name(part, "group") for part in str(config.get("group", "default")).split("/"))
        name, run_id = readable_name(config, naming), identity(config, command)
        runs_dir = at_home(str(config.get("runs_dir") or "runs"))
        return RunFolder(runs_dir / group / f"{name}-{run_id}", run_id, name, group)

    @staticmethod
    def at(path: Path | str) -> "RunFolder":
        """The run in an existing folder.

        Raises:
            LazyRegimeError: If there is no run.
        """
        path = at_home(path)
        if not (path / "config.yaml").is_file():
            raise LazyRegimeError(f"{path} is not the folder of a run: it has no config.yaml. Give runs/GROUP/NAME-ID.")
        return RunFolder.named(path)

    @staticmethod
    def named(path: Path) -> "RunFolder":
        """The run that a folder is of, going by its name; nothing need be there."""
        name, _, run_id = path.absolute().name.rpartition("-")
        return RunFolder(path, run_id, name, path.absolute().parent.name)

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def result(self) -> Path:
        """The flat scalars, written last."""
        return self.path / "result.json"

    @property
    def metrics(self) -> Path:
        """One row an epoch."""
        return self.path / "metrics.csv"

    @property
    def kernels(self) -> Path:
        """The kernel matrices and spectra."""
        return self.path / "kernels.safetensors"

    @property
    def checkpoints(self) -> Path:
        """The folder of last.ckpt and best.ckpt."""
        return self.path / "checkpoints"

    @property
    def kept(self) -> Checkpoints:
        """Its checkpoints, checked."""
        return Checkpoints(self.checkpoints)

    @property
    def figures(self) -> Path:
        """The folder of the figures."""
        return self.path / "figures"

    @property
    def blocks(self) -> Path:
        """The folder of the finished blocks of kernels in progress."""
        return self.path / "blocks"

    @property
    def failure(self) -> Path:
        """Why it failed."""
        return self.path / "failure.json"

    @property
    def lock(self) -> Path:
        """There while a process writes the run."""
        return self.path / "lock"

    def status(self) -> Status:
        """What has become of the run; a process that writes it is not disturbed."""
        again, there = self.is_asked_again, self.result.exists()
        if there and not again and stored_result(self.result)[0] is not None:
            return Status.complete
        if holder(self.lock) is not None:
            return Status.running
        if self.failure.exists():
            return Status.failed
        if there and not again:
            return Status.damaged
        begun = any(path.exists() for path in (self.config, self.checkpoints, self.metrics, self.kernels))
        return Status.interrupted if begun else Status.not_started

    @contextlib.contextmanager
    def locked(self, command: str = "train") -> Iterator[None]:
        """Make the folder and write in it alone; an earlier attempt's failure and torn files are taken away.

        Raises:
            LazyRegimeError: If another process is writing the run, or a link would lead the writing elsewhere.
        """
        for path in (self.path, self.checkpoints, self.figures, self.blocks, self.path / "tensorboard"):
            if path.is_symlink():
                raise LazyRegimeError(f"{path} is a link, and a run is not written through one; take it away.")
        with lock(self.lock, command=command):
            remove_leftovers(self.path)
            self.failure.unlink(missing_ok=True)
            yield

    def check_there(self) -> None:
        """See that the folder is still the one that is locked, before it is called complete.

        Raises:
            LazyRegimeError: If somebody has taken it away, and with it what had been written.
        """
        if not (self.lock.exists() and self.config.exists()):
            raise LazyRegimeError(f"{self.path} was taken away while the run was at work; give the same command again.")

    def tidy(self) -> None:
        """Take away what a process that was killed in its last moment has left in a complete run: its lock."""
        if self.lock.exists():
            with contextlib.suppress(OSError, LazyRegimeError), self.locked():
                pass

    @property
    def is_asked_again(self) -> bool:
        """Whether it is to be computed anew, or that has begun (`rerun=true`)."""
        return self._again.is_file()

    def ask_again(self) -> None:
        """Have it computed anew: from now on it is not complete."""
        atomic_write(self._again, "asked\n")

    def begin(self) -> None:
        """Take away what is to be computed anew, once; call it with the lock held."""
        if self.is_asked_again and self._again.read_bytes().strip() == b"asked":
            self.clear()
            atomic_write(self._again, "begun\n")

    @property
    def _again(self) -> Path:
        return self.path / "rerun"

    def clear(self) -> None:
        """Take away everything of an earlier computation, the result first; call it with the lock held."""
        for path in (self.result, self.failure, self.metrics, self.kernels, self.config):
            path.unlink(missing_ok=True)
        for folder in (self.checkpoints, self.figures, self.blocks):
            shutil.rmtree(folder, ignore_errors=True)

    def write_config(self, config_yaml: str) -> None:
        """Write config.yaml."""
        atomic_write(self.config, config_yaml)

    def write_result(self, result: Result) -> Result:
        """Write result.json, the run's last word: from then on it is complete. Returns it with its files' checksums."""
        self.kept.settle()
        result = result.with_checksums(checksums_of(self.path, self._files()))
        content = {"status": "complete", **result.flat}
        content["sha256"] = checksum_of_object(content)
        atomic_write(self.result, json.dumps(content, indent=1, allow_nan=False) + "\n")
        self.failure.unlink(missing_ok=True)
        self._again.unlink(missing_ok=True)
        return result

    def read_result(self) -> Result:
        """The result of a complete run.

        Raises:
            LazyRegimeError: If it is not complete, or its result.json is damaged.
        """
        result, reason = stored_result(self.result)
        if result is None:
            why = f"{self.result} is damaged ({reason})" if self.result.exists() else f"it is {self.status()}"
            raise LazyRegimeError(f"The run {self.path} has no result: {why}. Give its command again.")
        return result

    def damaged_files(self) -> list[Path]:
        """The files of a complete run that are gone or are not what they were."""
        result, _ = stored_result(self.result)
        return [self.result] if result is None else differing(self.path, result.checksums)

    def reopen(self, damaged: Sequence[Path]) -> None:
        """Make a complete run an interrupted one, without these files; call it with the lock held."""
        for path in (*damaged, self.result):
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        checkpoints = sorted(self.checkpoints.glob("*.ckpt"))
        known = self.checkpoints / "checksums.json"
        return [self.config, self.metrics, self.kernels, known, *checkpoints, *sorted(self.figures.glob("*"))]

    def write_failure(self, error: BaseException, step: int | None = None) -> None:
        """Write failure.json: what went wrong, where, when, and at which step."""
        failure = {
            "status": "failed",
            "error": type(error).__name__,
            "message": str(error),
            "step": step,
            "host": platform.node(),
            "pid": os.getpid(),
            "time": utc_now(),
            "traceback": "".join(traceback.format_exception(error)),
        }
        atomic_write(self.failure, json.dumps(failure, indent=1) + "\n")


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is none."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
