"""Systems without flock, /proc or sysconf: read, or refused in a sentence; nothing breaks at import."""

import math
import os
import signal
import subprocess
import sys

import pytest

from lazyregime.app.compose.system import check_system, memory_of_this_machine
from lazyregime.app.console import outlive_the_terminal
from lazyregime.errors import LazyRegimeError
from lazyregime.runs import lock

# As Windows has it: no fcntl, no SIGHUP, no sysconf. The doors are imported, and asked for a run.
WINDOWS = """
import os, signal, sys
sys.modules["fcntl"] = None
del signal.SIGHUP, os.sysconf
import lazyregime.app.compose.system as system
system.check_system.__defaults__ = ("win32",)
from lazyregime.train import main
main(["debug=fdr"])
"""


def test_windows_is_refused_in_a_sentence(tmp_path):
    done = subprocess.run([sys.executable, "-c", WINDOWS], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.startswith("Error: runs are not computed on Windows") and "WSL" in done.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["linux", "darwin"])
def test_linux_and_macos_are_not(name):
    check_system(name)


def test_where_nothing_says_how_much_memory_there_is_nothing_is_refused(monkeypatch):
    assert 0 < memory_of_this_machine() < math.inf
    monkeypatch.setattr(os, "sysconf", lambda name: (_ for _ in ()).throw(ValueError(name)))
    assert memory_of_this_machine() == math.inf


def test_a_lock_is_read_but_not_taken_without_flock(tmp_path, monkeypatch):
    with lock.lock(tmp_path / "lock"):
        monkeypatch.setattr(lock, "fcntl", None)
        assert lock.holder(tmp_path / "lock") is None
        with pytest.raises(LazyRegimeError, match="cannot be locked on this system"), lock.lock(tmp_path / "other"):
            pass


def test_a_system_without_sighup_has_no_terminal_to_outlive(monkeypatch):
    monkeypatch.delattr(signal, "SIGHUP")
    outlive_the_terminal()
