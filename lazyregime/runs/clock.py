"""When and where a run is computed: looked up at its start, so that nothing can be missing at its end."""

import datetime
import functools
import importlib
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lazyregime.runs.result import Computed

_MODULES = {"pytorch-lightning": "pytorch_lightning", "POT": "ot"}


@dataclass(frozen=True)
class Clock:
    """Started when it is made.

    Args:
        packages: Whose versions matter, beside this package and torch.
    """

    packages: Sequence[str] = ()
    started: str = field(default_factory=lambda: utc_now())
    since: float = field(default_factory=time.perf_counter)
    versions: dict[str, str] = field(init=False)
    commit: str | None = field(init=False)

    def __post_init__(self) -> None:
        names = ("lazyregime", "torch", *self.packages)
        object.__setattr__(self, "versions", {name: version_of(name) for name in names})
        object.__setattr__(self, "commit", commit())

    def computed(self, device: object = "cpu", precision: str | None = None) -> Computed:
        """What the result says of it, now that it is over; `device` is torch's, or its name."""
        import torch  # here: who only reads runs does not wait for it

        return Computed(
            seconds=round(time.perf_counter() - self.since, 2),
            host=platform.node(),
            device=str(device),
            precision=precision,
            num_threads=torch.get_num_threads(),
            versions=self.versions,
            commit=self.commit,
            started=self.started,
            finished=utc_now(),
        )


def utc_now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def version_of(name: str) -> str:
    """The version of an installed package, or what its module says where it is only on the path."""
    try:
        return version(name)
    except PackageNotFoundError:
        module = importlib.import_module(_MODULES.get(name, name))
        return str(getattr(module, "__version__", "unknown"))


@functools.cache
def commit() -> str | None:
    """The commit of the checkout that this package is imported from; None where it is none, or git is not there."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
