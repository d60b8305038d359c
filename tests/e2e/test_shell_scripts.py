"""Every shell script of multirun_scripts/ runs to its report, with SIZE=tiny.

bash runs it as it stands. The commands `python -m lazyregime.NAME` in it are given to this process, which has torch
imported, in the place of an interpreter each.
"""

import importlib
import os
import subprocess
from pathlib import Path

import pytest

from lazyregime.app.api import COMMANDS
from lazyregime.app.compose.plan import plan_jobs

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "multirun_scripts").glob("*.sh"))

# What a script takes beside SIZE=tiny: settings of the environment, and arguments. On SLURM itself: tests/slurm.
FEW = ("debug=fdr", "data.n_train=100", "data.n_test=50", "ntk.anchors_per_class=3", "ntk.n_test=50")
TINY = {
    "slurm_alpha_sweep.sh": ({"ALPHAS": "1", "WIDTHS": "8", "SEEDS": "0", "LAUNCHER": "basic"}, FEW),
    "slurm_poster_table.sh": ({"SEEDS": "0", "LAUNCHER": "basic"}, ()),
}
ELSEWHERE = {"faults.sh": "it mounts file systems; tests/faults/test_faults.py drives what it drives"}

# Takes the place of python: the words of the command go to the test, whose answer is the exit code.
STAND_IN = """#!/usr/bin/env bash
printf '%s\\0' "$#" "$@" >&"$TEST_COMMANDS"
read -r code <&"$TEST_ANSWERS" && exit "$code"
"""


@pytest.fixture
def bash(tmp_path, runs_dir, monkeypatch):
    """Runs a script in an empty folder; gives its exit code."""
    monkeypatch.chdir(tmp_path)
    stand_in = tmp_path / "bin" / "python"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    path = f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}"

    def run(script, *arguments, answer_to=None, **settings):
        commands, for_commands = os.pipe()
        for_answers, answers = os.pipe()
        ends = (for_commands, for_answers)
        told = {"PATH": path, "TEST_COMMANDS": str(for_commands), "TEST_ANSWERS": str(for_answers)}
        with subprocess.Popen(["bash", script, *arguments], env=os.environ | told | settings, pass_fds=ends) as process:
            for end in ends:
                os.close(end)
            with open(commands, "rb") as asked, open(answers, "w") as answer:
                for count in iter(lambda: next_word(asked), ""):
                    print(
                        (answer_to or exit_code)([next_word(asked) for _ in range(int(count))]), file=answer, flush=True
                    )
        return process.returncode

    return run


def next_word(stream):
    """To its NUL; empty at the end."""
    letters = iter(lambda: stream.read(1), b"\0")
    return b"".join(iter(lambda: next(letters, b""), b"")).decode()


def exit_code(words):
    """Of `python -m lazyregime.NAME ...`, done by the door in this process."""
    assert words[0] == "-m" and words[1].startswith("lazyregime."), words
    try:
        return importlib.import_module(words[1]).main(words[2:]) or 0
    except SystemExit as end:
        return end.code or 0


@pytest.mark.parametrize("script", [path for path in SCRIPTS if path.name not in ELSEWHERE], ids=lambda path: path.name)
def test_a_script_ends_with_its_report(script, bash, runs_dir):
    settings, arguments = TINY.get(script.name, ({}, ()))
    assert bash(script, *arguments, SIZE="tiny", **settings) == 0
    assert list(runs_dir.rglob("result.json"))
    assert list(runs_dir.rglob("report/report.html"))


def planned(words):
    """What is composed and checked before a command computes: of three jobs of its sweep, and nothing of reports."""
    name = words[1].rpartition(".")[2]
    if name in COMMANDS and not any(word.startswith("machine.run=") for word in words):  # of a run that is not there
        jobs = COMMANDS[name].source.sweep([word for word in words[2:] if word != "-m"]).jobs
        assert plan_jobs(COMMANDS[name], jobs[:: max(1, len(jobs) // 3)])
    return 0


@pytest.mark.parametrize("size", ["medium", "paper"])
@pytest.mark.parametrize("script", [path for path in SCRIPTS if "medium" in path.read_text()], ids=lambda p: p.name)
def test_the_runs_of_the_large_sizes_can_be(script, size, bash, runs_dir):
    assert bash(script, SIZE=size, answer_to=planned) == 0


@pytest.mark.parametrize("script", [path for path in SCRIPTS if "SIZE" in path.read_text()], ids=lambda path: path.name)
def test_a_size_that_there_is_not_is_a_sentence(script, bash, runs_dir, capfd):
    assert bash(script, SIZE="huge", LAUNCHER="basic") == 2
    assert "SIZE=huge is not known; use SIZE=tiny, " in capfd.readouterr().err
    assert not runs_dir.exists()


def test_a_command_that_fails_ends_a_script_with_its_code(bash):
    script = next(path for path in SCRIPTS if path.name == "silent_alignment.sh")
    assert bash(script, "width=-1", SIZE="tiny") == 2
