"""A run is the folder ``runs/<group>/<name>-<id>/``; it is complete if and only if its result.json says so."""

import contextlib
import json
import math
import os
import platform
import shutil
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lazyregime.errors import LazyRegimeError
from lazyregime.runs.atomic import atomic_write, remove_leftovers
from lazyregime.runs.identity import NOT_IDENTITY, TRAINING, Naming, folder_name, identity, readable_name
from lazyregime.runs.lock import holder, lock

__all__ = ["NOT_IDENTITY", "RunFolder", "Status", "atomic_write", "identity", "readable_name"]

Status = Literal["new", "complete", "failed", "running", "interrupted"]


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
        group = "/".join(folder_name(part, "group") for part in str(config.get("group") or "default").split("/"))
        name, run_id = readable_name(config, naming), identity(config, command)
        runs_dir = Path(str(config.get("runs_dir") or "runs")).expanduser()
        return RunFolder(runs_dir / group / f"{name}-{run_id}", run_id, name, group)

    @staticmethod
    def at(path: Path | str) -> "RunFolder":
        """The run in an existing folder.

        Raises:
            LazyRegimeError: If there is no run.
        """
        path = Path(path).expanduser()
        if not (path / "config.yaml").is_file():
            raise LazyRegimeError(f"{path} is not the folder of a run: it has no config.yaml. Give runs/GROUP/NAME-ID.")
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
        if read_object(self.result).get("status") == "complete":
            return "complete"
        if holder(self.lock) is not None:
            return "running"
        if self.failure.exists():
            return "failed"
        return "interrupted" if self.config.exists() or self.checkpoints.exists() else "new"

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

    def clear(self) -> None:
        """Take away everything of an earlier computation, the result first; call it with the lock held."""
        for path in (self.result, self.failure, self.metrics, self.kernels, self.config):
            path.unlink(missing_ok=True)
        for folder in (self.checkpoints, self.figures, self.blocks):
            shutil.rmtree(folder, ignore_errors=True)

    def write_config(self, config_yaml: str) -> None:
        """Write config.yaml."""
        atomic_write(self.config, config_yaml)

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write result.json, the run's last word: from then on it is complete.

        A number that is not finite is written as null, and its key is listed under "non_finite".
        """
        non_finite: list[str] = []
        plain = _plain({"status": "complete", **result}, "", non_finite)
        if non_finite:
            plain["non_finite"] = non_finite
        atomic_write(self.result, json.dumps(plain, indent=1, allow_nan=False) + "\n")
        self.failure.unlink(missing_ok=True)

    def read_result(self) -> dict[str, Any]:
        """The result of a complete run.

        Raises:
            LazyRegimeError: If it is not complete.
        """
        result = read_object(self.result)
        if result.get("status") != "complete":
            raise LazyRegimeError(f"The run {self.path} has no result: it is {self.status()}. Give its command again.")
        return result

    def write_failure(self, error: BaseException, step: int | None = None) -> None:
        """Write failure.json: what went wrong, where, when, and at which step."""
        failure = {
            "status": "failed",
            "error": type(error).__name__,
            "message": str(error),
            "step": step,
            "host": platform.node(),
            "pid": os.getpid(),
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "traceback": "".join(traceback.format_exception(error)),
        }
        atomic_write(self.failure, json.dumps(failure, indent=1) + "\n")


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is none."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _plain(value: Any, key: str, non_finite: list[str]) -> Any:
    """The value as JSON has it; notes the key of each number that JSON has not."""
    match value:
        case Mapping():
            return {str(k): _plain(v, f"{key}.{k}" if key else str(k), non_finite) for k, v in value.items()}
        case list() | tuple():
            return [_plain(item, key, non_finite) for item in value]
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                non_finite.append(key)
                return None
            return float(value)
        case os.PathLike():
            return os.fspath(value)
        case _:  # a scalar of numpy or torch
            return _plain(value.item(), key, non_finite)
