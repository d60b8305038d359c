"""Two processes never write one run, and a dead one locks nobody out."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lazyregime.errors import LazyRegimeError
from lazyregime.runs import lock as lock_module
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.lock import DEAD_AFTER_SECONDS, Holder, holder, lock

HOLD = """
import sys
from pathlib import Path
from lazyregime.runs.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
print("released", flush=True)
"""


class Other:
    """Another process that holds a lock until it is told to let go, or killed."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        assert self.stdout.readline() == "held\n"

    def end(self, how: signal.Signals | None = None) -> None:
        if how is not None:
            self.process.send_signal(how)
        elif self.process.poll() is None:
            self.stdin.write("\n")
            self.stdin.flush()
            assert self.stdout.readline() == "released\n"
        self.process.wait()
        self.stdin.close()
        self.stdout.close()


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "lazy-mlp-w8-s0-12345678", "12345678", "lazy-mlp-w8-s0", "group")


def write_holder(path: Path, **changes: object) -> None:
    content = {**Holder.this_process("train").__dict__, "pid": 4321, "process_started": "17", **changes}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_a_run_that_another_process_writes_is_refused_and_left_alone(folder):
    folder.path.mkdir()
    folder.write_config("width: 8\n")
    other = Other(folder.lock)
    for _ in range(50):
        assert folder.status() == "running"
    with pytest.raises(LazyRegimeError) as error, folder.locked():
        pass
    message = str(error.value)
    assert f"is being written by process {other.process.pid} on host {socket.gethostname()} since 20" in message
    assert str(folder.path) in message and "wait for it" in message
    other.end()
    assert not folder.lock.exists()
    assert folder.status() == "interrupted"
    with folder.locked():
        assert folder.status() == "running"
    assert not folder.lock.exists()


def test_a_killed_holder_leaves_no_lock(folder):
    for _ in range(3):
        other = Other(folder.lock)
        other.end(signal.SIGKILL)
        assert folder.lock.exists()
        assert holder(folder.lock) is None
        with folder.locked():
            assert folder.status() == "running"
        assert folder.status() == "not started"


def test_a_forked_child_does_not_keep_its_dead_parents_lock(folder):
    read, write = os.pipe()
    parent = os.fork()
    if parent == 0:  # the holder: forks a child that outlives it, then dies at once
        with lock(folder.lock):
            child = os.fork()
            if child == 0:
                time.sleep(20)
                os._exit(0)
            os.write(write, f"{child}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(parent, 0)
    orphan = int(os.read(read, 100))
    try:
        deadline = time.monotonic() + 2
        while holder(folder.lock) is not None and time.monotonic() < deadline:
            time.sleep(0.01)  # the child may not have come to close its copy yet
        assert holder(folder.lock) is None
        with folder.locked():
            pass
    finally:
        os.kill(orphan, signal.SIGKILL)
        os.close(read)
        os.close(write)


def test_the_lock_is_not_held_twice_in_one_process(folder):
    with folder.locked(), pytest.raises(LazyRegimeError, match=f"process {os.getpid()} on host"), folder.locked():
        pass


def test_the_lock_is_released_by_an_exception(folder):
    with pytest.raises(KeyError), folder.locked():
        raise KeyError
    assert not folder.lock.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"host": "x"}', "\x00\x00", "[" * 60_000])
def test_a_lock_file_without_sense_and_without_holder_stops_nobody(folder, content):
    folder.path.mkdir()
    folder.lock.write_text(content)
    assert holder(folder.lock) is None
    with folder.locked():
        written = json.loads(folder.lock.read_text())
        assert (written["pid"], written["host"], written["command"]) == (os.getpid(), socket.gethostname(), "train")
        assert {"process_started", "slurm_job_id", "since"} <= written.keys()


@pytest.mark.parametrize(
    "changes", [{"pid": "1"}, {"host": 1}, {"slurm_restart_count": "2"}, {"slurm_job_id": ["--x"]}]
)
def test_a_lock_file_that_no_run_has_written_names_no_holder(folder, changes):
    write_holder(folder.lock, **({"host": "node17", "slurm_job_id": "99"} | changes))
    assert holder(folder.lock) is None


def test_a_holder_on_another_host_is_believed_as_long_as_it_shows_signs_of_life(folder):
    write_holder(folder.lock, host="node17", slurm_job_id="99")
    assert folder.status() == "running"
    message = r"process 4321 on host node17 \(SLURM job 99\) since .*sign of life.*counts as dead.*delete"
    with pytest.raises(LazyRegimeError, match=message), folder.locked():
        pass
    assert json.loads(folder.lock.read_text())["host"] == "node17"
    long_ago = time.time() - DEAD_AFTER_SECONDS - 1
    os.utime(folder.lock, (long_ago, long_ago))
    assert folder.status() == "not started"
    with folder.locked():
        assert json.loads(folder.lock.read_text())["pid"] == os.getpid()


def test_a_requeued_slurm_job_takes_over_from_its_earlier_self_on_another_node(folder, monkeypatch):
    write_holder(folder.lock, host="node17", slurm_job_id="99", slurm_restart_count=0)
    monkeypatch.setenv("SLURM_JOB_ID", "99")
    with pytest.raises(LazyRegimeError), folder.locked():
        pass  # another node of the same job, alive
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    with folder.locked():
        assert json.loads(folder.lock.read_text())["slurm_restart_count"] == 1


def test_where_the_file_system_has_no_locks_the_process_itself_is_looked_up(folder, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError(lock_module.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock_module.fcntl, "flock", no_locks)
    write_holder(folder.lock)
    assert holder(folder.lock) is None
    with folder.locked():
        assert folder.status() == "running"
        with pytest.raises(LazyRegimeError, match=f"process {os.getpid()}"), folder.locked():
            pass


def test_the_holder_shows_signs_of_life(folder, monkeypatch):
    monkeypatch.setattr(lock_module, "HEARTBEAT_SECONDS", 0.02)
    with folder.locked():
        os.utime(folder.lock, (0, 0))
        deadline = time.monotonic() + 5
        while folder.lock.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert folder.lock.stat().st_mtime > 0


def _contend(path: Path, log: Path, turns: int) -> None:
    while turns:
        try:
            with lock(path):
                with log.open("a") as stream:
                    stream.write(f"+{os.getpid()}\n")
                time.sleep(0.001)
                with log.open("a") as stream:
                    stream.write(f"-{os.getpid()}\n")
            turns -= 1
        except LazyRegimeError:
            continue


def test_many_processes_that_want_it_have_it_one_after_the_other(tmp_path):
    context = multiprocessing.get_context("fork")
    log = tmp_path / "log"
    processes = [context.Process(target=_contend, args=(tmp_path / "lock", log, 40)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    lines = log.read_text().split()
    assert len(lines) == 2 * 4 * 40
    assert all(enter == "+" + leave[1:] for enter, leave in zip(lines[::2], lines[1::2], strict=True))
