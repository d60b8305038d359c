"""Run a fetching command that cannot hang: it ends when its folder stops growing, after a fixed time, or with us."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lazyregime.data.fetching.image_set import SourceFailed

PATIENCE = 30.0  # seconds without a new byte
LIMIT = 900.0  # seconds in all
_POLL = 0.1
_GUARD = str(Path(__file__).with_name("guard.py"))


def run_command(command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run `command` in `folder`, silently, its temporary files there too.

    Raises:
        SourceFailed: If it is not found, fails (with the last line it said), or brings nothing for `PATIENCE` seconds.
    """
    variables = {**os.environ, "LC_ALL": "C", "TMPDIR": str(folder), **(environment or {})}
    said = folder / "output.txt"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", _GUARD, *command],
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # what ends our whole group leaves the guard to end the command
        )
        try:
            _wait(process, folder)
        finally:
            process.communicate()  # closes its input: what still runs is killed
    if process.returncode != 0:
        raise SourceFailed(_last_line(said) or f"{Path(command[0]).name} failed with code {process.returncode}")


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Return when the process has ended; fail when nothing comes any more."""
    began = grown = time.monotonic()
    size = -1
    while process.poll() is None:
        now, new_size = time.monotonic(), _size(folder)
        if new_size != size:
            size, grown = new_size, now
        if now - grown > PATIENCE:
            raise SourceFailed(f"nothing came for {PATIENCE:.0f} seconds")
        if now - began > LIMIT:
            raise SourceFailed(f"it was not done after {LIMIT:.0f} seconds")
        time.sleep(_POLL)


def _size(folder: Path) -> int:
    """Bytes under a folder in which another process makes and removes files."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _last_line(said: Path) -> str:
    """The last line that says something, at most 200 letters of it, without a full stop."""
    lines = [line.strip() for line in said.read_text(errors="replace").replace("\r", "\n").split("\n")]
    return next((line for line in reversed(lines) if line), "")[:200].rstrip(".")
