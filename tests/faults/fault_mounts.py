"""Small or read-only file systems for a trial, where this process may mount some."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from fault_trial import NotPossibleError, Trial


@contextmanager
def small_file_system(
    trial: Trial, *, kilobytes: int | None = None, inodes: int | None = None, read_only: bool = False
) -> Iterator[None]:
    """Give the commands in a file system with so much room beside what is there already; all is copied back."""
    there = trial.folder / "mounted"
    there.mkdir()
    used = sum(-(-p.stat().st_size // 4096) * 4 + 4 for p in trial.cwd.rglob("*") if not p.is_symlink())
    count = sum(1 for _ in trial.cwd.rglob("*")) + 2
    options = f"size={'64m' if kilobytes is None else f'{used + kilobytes}k'}"
    options += "" if inodes is None else f",nr_inodes={count + inodes}"
    _mount("-t", "tmpfs", "-o", options, "tmpfs", str(there))
    place, inside = trial.cwd, there / "here"
    try:
        shutil.copytree(trial.cwd, inside)
        if read_only:
            _mount("-o", "remount,ro", str(there))
        trial.cwd = inside
        yield
    finally:
        trial.cwd = place
        shutil.rmtree(place)
        shutil.copytree(inside, place, symlinks=True)
        subprocess.run(["umount", str(there)], check=True)


def _mount(*arguments: str) -> None:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    except OSError as error:
        raise NotPossibleError(str(error)) from error
    if done.returncode:
        raise NotPossibleError(done.stderr.strip())
