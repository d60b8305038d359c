"""rsync over ssh: the runs of another machine in a folder of their own here, checked file by file."""

import contextlib
import json
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

from lazyregime.app.console import Console
from lazyregime.app.sweeps.status import show_status
from lazyregime.app.sweeps.verify import verify
from lazyregime.atomic import atomic_write
from lazyregime.errors import LazyRegimeError

SOURCE = ".pulled-from.json"
# What another machine holds is data: no links, devices or owners come along, and nothing may be written elsewhere.
RSYNC = ("rsync", "--recursive", "--times", "--compress", "--partial-dir=.rsync-partial", "--prune-empty-dirs")
LEFT_THERE = ("/report/", "/comparison/", "blocks/", "*.tmp", ".rsync-partial", SOURCE)


def pull(source: str, into: Path | None, runs_dir: Path, console: Console) -> int:
    """Fetch the runs at `source`, verify their files, and say what has become of them; 1 if a file is damaged.

    The same command again fetches what has changed since. Nothing here is overwritten but what was pulled from there.

    Args:
        source: HOST:DIR, as for rsync and ssh.
        into: Where to (default: HOST/DIR's name below `runs_dir`).
        runs_dir: Where runs lie here.
        console: Is told.

    Raises:
        LazyRegimeError: If `source` is no such thing, the folder holds something else, or rsync fails.
    """
    host, folder = _parts(source)
    here = runs_dir / host.rpartition("@")[2] / PurePosixPath(folder).name if into is None else into
    _claim(here, source)
    console.say(f"{source} → {here}")
    _forget_locks(here)
    _rsync(f"{host}:{folder.rstrip('/')}/", here)
    code = verify(here, console)
    show_status(here, console)
    if code:
        console.say(f"Of a run that was being written, a file may be newer than its result: pull {source} again.")
    console.say(f"Next:   python -m lazyregime.report {here}")
    return code


def _parts(source: str) -> tuple[str, str]:
    host, colon, folder = source.partition(":")
    # a leading dash would be an option of ssh
    if not colon or not re.fullmatch(r"(?!-)[\w.@%+-]+", host) or not folder.strip("/ ") or folder.startswith(":"):
        raise LazyRegimeError(
            f"pull takes HOST:DIR, such as me@cluster:project/runs/mnist, and was given {source!r}; a folder of this "
            "machine is read where it is."
        )
    return host, folder


def _claim(here: Path, source: str) -> None:
    """The folder is ours to write if it is new or holds what was pulled from there."""
    note = here / SOURCE
    if here.exists() and (not here.is_dir() or any(here.iterdir())):
        if _pulled_from(note) != source:
            raise LazyRegimeError(
                f"{here} holds something else than what was pulled from {source}; name another folder: "
                f"python -m lazyregime.sweeps pull {source} FOLDER."
            )
        return
    here.mkdir(parents=True, exist_ok=True)
    atomic_write(note, json.dumps({"source": source}) + "\n")


def _pulled_from(note: Path) -> str | None:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
        return str(content["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _forget_locks(here: Path) -> None:
    """A run that has ended there since has no lock any more; that of one under way comes again, with its heartbeat."""
    for lock in here.rglob("lock"):
        with contextlib.suppress(OSError):
            lock.unlink()


def _rsync(source: str, here: Path) -> None:
    if shutil.which("rsync") is None:
        raise LazyRegimeError("pull needs rsync, here and on the other machine: install it (apt install rsync).")
    left = [f"--exclude={pattern}" for pattern in LEFT_THERE]
    run = subprocess.run(
        [*RSYNC, *left, "--", source, f"{here.resolve()}/"], capture_output=True, text=True, check=False
    )
    if run.returncode not in (0, 24):  # 24: a file went while it was copied, as the files of a run under way do
        told = " ".join((run.stderr or run.stdout).split())
        raise LazyRegimeError(f"rsync could not fetch {source} ({told or f'exit code {run.returncode}'}).")
