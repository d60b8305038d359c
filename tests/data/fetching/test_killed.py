"""A fetch that is killed, in whatever way, leaves no process behind and nothing half: the same call then works."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lazyregime

# Fetches by a command that starts another one and writes as it goes, for ever unless the file "quick" is there. The
# process ids of both commands go to a file.
FETCHER = """
import hashlib, sys
from pathlib import Path
from lazyregime.data.fetching.command import run_command
from lazyregime.data.fetching.image_set import ImageSet, KnownFile, Source
from lazyregime.data.fetching.obtain import obtain

here = Path.cwd()
command = f'''
echo $$ >> {here}/pids; sleep 600 & echo $! >> {here}/pids
while [ ! -e {here}/quick ]; do echo more >> part; sleep 0.05; done; kill $!
'''

def fetch(folder):
    run_command(["sh", "-c", command], folder=folder)
    return {"a": b"content"}

files = (KnownFile("a", 7, hashlib.md5(b"content").hexdigest()),)
tiny = ImageSet("Tiny", "Tiny", files, (1, 1, 1), (2,), 1, {}, sources=(Source("slow", fetch),))
obtain(tiny, here / "data", offline=False)
"""


def start(folder: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(Path(lazyregime.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", FETCHER], cwd=folder, env=environment, stderr=subprocess.PIPE, start_new_session=True
    )


def within(seconds: float, what) -> bool:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def pids(folder: Path) -> list[int]:
    file = folder / "pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc whether a process runs")
@pytest.mark.parametrize("whole_group", [False, True], ids=["the process", "its group"])
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_killed_fetch_leaves_no_orphan_and_nothing_half(tmp_path, signum, whole_group):
    fetching = start(tmp_path)
    home = tmp_path / "data" / "Tiny"
    assert within(60, lambda: len(pids(tmp_path)) == 2 and list(home.glob(".fetching-*/0/part")))
    (os.killpg if whole_group else os.kill)(fetching.pid, signum)
    fetching.communicate(timeout=30)
    assert within(10, lambda: not any(runs(pid) for pid in pids(tmp_path)))
    assert within(10, lambda: [path.name for path in home.iterdir()] == [".lock"])


def test_what_a_machine_that_went_down_left_is_cleared_by_the_next_fetch(tmp_path):
    left = tmp_path / "data" / "Tiny" / ".fetching-left"
    (left / "0").mkdir(parents=True)
    (left / "0" / "a").write_bytes(b"con")
    (tmp_path / "quick").touch()
    fetching = start(tmp_path)
    assert fetching.communicate(timeout=60)[1] == b"" and fetching.returncode == 0
    assert {path.name for path in left.parent.iterdir()} == {".lock", "a"}
