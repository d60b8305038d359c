"""python -m lazyregime.sweeps pull HOST:DIR: rsync over ssh, here with a stand-in for ssh."""

import os
import shutil

import pytest

from lazyregime.dashboard import main as dashboard
from lazyregime.fit import main as fit
from lazyregime.runs.__main__ import main as runs
from lazyregime.sweeps import main

SMALL = ("data=sphere", "data.n_train=20", "data.n_test=10", "data.dimension=5", "machine=krr_ntk", "group=group")
SSH = '#!/bin/sh\n# ssh HOST COMMAND...\nwhile [ "$1" != far ]; do shift; done\nshift; exec "$@"\n'


@pytest.fixture
def far(tmp_path, monkeypatch):
    """A folder of runs on "another machine", and a working directory here."""
    if shutil.which("rsync") is None:
        pytest.fail("This test needs rsync: apt install rsync.")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").write_text(SSH)
    (tmp_path / "bin" / "ssh").chmod(0o755)
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("RSYNC_RSH", raising=False)
    monkeypatch.setenv("LAZYREGIME_RUNS", str(tmp_path / "here"))
    with pytest.raises(SystemExit) as end:
        fit([*SMALL, f"runs_dir={tmp_path / 'there'}", "tracking=csv", "progress=none"])
    assert not end.value.code
    return tmp_path / "there" / "group"


def called(*words, door=main):
    with pytest.raises(SystemExit) as end:
        door([str(word) for word in words])
    return end.value.code or 0


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_runs_are_fetched_verified_and_fetched_again(far, tmp_path, capsys):
    assert called("pull", f"far:{far}") == 0
    told = capsys.readouterr().out
    here = tmp_path / "here" / "far" / "group"
    assert "1 runs verified: 0 damaged" in told and "1 complete" in told and f"report {here}" in told
    brought = files(here)
    assert brought.items() >= files(far).items()
    run = next(far.rglob("result.json")).parent
    (run / "metrics.csv").write_text("changed there")  # newer, and no more what the result says
    assert called("pull", f"far:{far}") == 1
    assert "metrics.csv" in capsys.readouterr().out
    assert called("--where", "status=complete", "--columns", "path,seed", door=runs) == 0
    assert "1 of 1 runs" in capsys.readouterr().out


def test_nothing_of_ours_is_overwritten_and_no_link_comes_along(far, tmp_path, capsys):
    mine = tmp_path / "here" / "far" / "group"
    mine.mkdir(parents=True)
    (mine / "mine.txt").write_text("mine")
    assert called("pull", f"far:{far}") == 2
    assert "holds something else" in capsys.readouterr().err
    assert files(mine) == {(mine / "mine.txt").relative_to(mine): b"mine"}
    canary = tmp_path / "canary"
    run = next(far.rglob("result.json")).parent
    (run / "out").symlink_to(canary)
    assert called("pull", f"far:{far}", tmp_path / "new") == 0
    assert not list((tmp_path / "new").rglob("out")) and not canary.exists()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("runs/mnist", "takes HOST:DIR"),
        ("-oProxyCommand=touch x:dir", "takes HOST:DIR"),
        ("far:", "takes HOST:DIR"),
        (":dir", "takes HOST:DIR"),
        ("far::module", "takes HOST:DIR"),
        ("far:/is/not/there", "rsync could not fetch"),
    ],
)
def test_what_cannot_be_fetched_is_a_sentence(far, source, told, capsys):
    assert called("pull", source) == 2
    answer = capsys.readouterr().err
    assert told in answer and "Traceback" not in answer


def test_without_rsync(far, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert called("pull", f"far:{far}") == 2
    assert "needs rsync" in capsys.readouterr().err


@pytest.mark.parametrize(("door", "words"), [(main, ["pull", "far:runs"]), (runs, []), (dashboard, [])])
def test_a_home_that_there_is_not_is_a_sentence(door, words, monkeypatch, capsys):
    monkeypatch.setenv("LAZYREGIME_RUNS", "~nosuchuser/x")
    assert called(*words, door=door) == 2
    assert "there is no home of that name" in capsys.readouterr().err
