"""A fetching command ends whatever the network does, and says in a line why it failed."""

import sys
import time

import pytest

from lazyregime.data.fetching import command
from lazyregime.data.fetching.command import run_command
from lazyregime.data.fetching.image_set import SourceFailed


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_it_runs_in_the_folder_and_is_silent(tmp_path, capfd):
    run_command(python("print('loud'); open('made', 'w').write('x')"), folder=tmp_path)
    assert (tmp_path / "made").read_text() == "x"
    assert capfd.readouterr() == ("", "")


def test_its_last_line_is_the_reason(tmp_path):
    with pytest.raises(SourceFailed, match=r"^the mirror is closed$"):
        run_command(python("import sys; print('tried'); sys.exit('the mirror is closed.\\n')"), folder=tmp_path)


def test_a_silent_failure_is_its_code(tmp_path):
    with pytest.raises(SourceFailed, match="failed with code 3"):
        run_command(python("import os; os._exit(3)"), folder=tmp_path)


def test_a_command_that_is_not_there(tmp_path):
    with pytest.raises(SourceFailed, match=r"no-such-command does not start \(No such file or directory\)"):
        run_command(["no-such-command"], folder=tmp_path)


def test_a_command_that_brings_nothing_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "PATIENCE", 0.3)
    began = time.monotonic()
    with pytest.raises(SourceFailed, match="nothing came for 0 seconds"):
        run_command(python("import time; time.sleep(60)"), folder=tmp_path)
    assert time.monotonic() - began < 20


TRICKLE = "import time\nfor i in range(200): open('x', 'a').write('x' * 10); time.sleep(0.05)"


def test_a_slow_command_that_brings_something_is_let_run(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "PATIENCE", 1.5)
    run_command(python(TRICKLE.replace("200", "50")), folder=tmp_path)
    assert (tmp_path / "x").stat().st_size == 500


def test_but_not_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "LIMIT", 1.0)
    with pytest.raises(SourceFailed, match="not done after 1 seconds"):
        run_command(python(TRICKLE), folder=tmp_path)
