"""A file written atomically is whole at every moment, also when its writer is killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from lazyregime.atomic import atomic_write, remove_leftovers, remove_leftovers_of_the_dead

WRITER = """
import sys
from lazyregime.atomic import atomic_write
print("ready", flush=True)
n = 0
while True:
    atomic_write(sys.argv[1], str(n % 10) * 300_000)
    n += 1
"""


def test_content_and_folder(tmp_path):
    atomic_write(tmp_path / "a" / "b.txt", "α")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "α"
    atomic_write(str(tmp_path / "a" / "b.txt"), b"\x00\xff")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"\x00\xff"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    atomic_write(tmp_path / "x", "old")
    with pytest.raises(TypeError):
        atomic_write(tmp_path / "x", 3)  # type: ignore[arg-type]
    with pytest.raises(UnicodeEncodeError):
        atomic_write(tmp_path / "x", "\ud800")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_kill_9_at_any_moment_leaves_a_whole_file(tmp_path):
    target = tmp_path / "result.json"
    killed_while_writing = 0
    for attempt in range(12):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.013 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if target.exists():
            content = target.read_text()
            assert content == content[0] * 300_000
        killed_while_writing += len(list(tmp_path.glob(".*.tmp*")))
        remove_leftovers(tmp_path)
        assert not list(tmp_path.glob(".*"))
    assert target.exists() and killed_while_writing > 0


def test_what_the_dead_left_goes_and_what_the_living_write_stays(tmp_path):
    living, dead = tmp_path / f".a.{os.getpid()}-abc.tmp.json", tmp_path / ".a.4194305-abc.tmp.json"
    for path in (living, dead):
        path.write_text("{")
    remove_leftovers_of_the_dead(tmp_path)
    assert living.exists() and not dead.exists()
