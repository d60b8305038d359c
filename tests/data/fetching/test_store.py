"""Files are written whole or not at all, and one process at a time fetches."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lazyregime
from lazyregime.atomic import atomic_write

# Fetches the tiny set slowly; every fetch leaves a line in the file "fetches".
FETCHER = """
import hashlib, sys, time
from pathlib import Path
from lazyregime.data.fetching.obtain import obtain
from lazyregime.data.fetching.image_set import KnownFile, ImageSet, Source

names = ("a", "b", "c", "d")
contents = {name: name.encode() * 1_000_000 for name in names}

def fetch(folder):
    with open("fetches", "a") as file:
        file.write("fetch\\n")
    time.sleep(float(sys.argv[1]))
    return contents

files = tuple(KnownFile(name, len(x), hashlib.md5(x).hexdigest()) for name, x in contents.items())
image_set = ImageSet("Tiny", "Tiny/raw", files, (1, 1, 1), (2,), 1, {}, sources=(Source("slow", fetch),))
assert obtain(image_set, Path("data"), offline=False, log=print) == list(contents.values())
"""


def start(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    root = str(Path(lazyregime.__file__).parents[1])
    command = [sys.executable, "-c", FETCHER, str(seconds)]
    environment = {**os.environ, "PYTHONPATH": root}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.02)


def test_of_two_processes_one_fetches_and_the_other_waits(tmp_path):
    both = [start(tmp_path, 1.0), start(tmp_path, 1.0)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert (tmp_path / "fetches").read_text() == "fetch\n"
    assert sum("fetching Tiny from slow" in text for text in said) == 1
    assert sorted(path.name for path in (tmp_path / "data/Tiny/raw").iterdir()) == [".lock", "a", "b", "c", "d"]


def test_a_killed_process_leaves_no_lock(tmp_path):
    killed = start(tmp_path, 600.0)
    wait_for(tmp_path / "fetches")
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    after = start(tmp_path, 0.0)
    assert "waiting" not in after.communicate(timeout=60)[0]
    assert after.returncode == 0


def test_a_write_that_fails_changes_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"as it was")
    (tmp_path / "work").mkdir()

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        atomic_write(tmp_path / "file", b"new", by_way_of=tmp_path / "work")
    assert (tmp_path / "file").read_bytes() == b"as it was"
