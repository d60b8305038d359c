"""Faults at random, a few of each sort; the drive at full size is multirun_scripts/faults.sh."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SAMPLE = ("kill", "term", "head 1", "killed between two renames", "a folder in the place of a file", "damaged result",
          "a limit on the size of files", "no stream is open")  # fmt: skip


def drive(out, *arguments, first=""):
    program = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); {first}\nimport drive_faults; sys.exit(drive_faults.main())"
    )
    command = [sys.executable, "-c", program, "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize(("scenarios", "trials"), [("fit", 6), ("gradient flow", 3)])
def test_some_faults_end_the_same(scenarios, trials, tmp_path):
    options = ["--trials", str(trials), "--seed", "1", "--kinds", ",".join(SAMPLE), "--scenarios", scenarios]
    done = drive(tmp_path, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    table = drive(tmp_path, "--table").stdout
    assert f"| all | | {trials} | {trials} | 0 | 0 | 0 |" in table, table


def test_a_recovery_that_is_broken_is_reported(tmp_path):
    """What killed writers leave is not taken away: the drive must say so, and the table must count it."""
    broken = "import lazyregime.runs.folder as folder; folder.remove_leftovers = lambda path: None"
    options = ["--trials", "1", "--kinds", "what killed writers leave", "--scenarios", "fit"]
    done = drive(tmp_path, *options, first=broken)
    assert done.returncode == 1 and "left over" in done.stdout, done.stdout + done.stderr
    assert "| all | | 1 | 0 | 1 | 0 | 1 |" in drive(tmp_path, "--table").stdout
    assert drive(tmp_path, *options).returncode == 0  # mended: it is tried again, and counts as bad at first
    assert "| all | | 1 | 1 | 0 | 0 | 1 |" in drive(tmp_path, "--table").stdout
