"""python -m lazyregime.report where it is interrupted, where nobody reads what it prints, and without streams."""

import os
import subprocess
import sys

import pytest
from fake_runs import write_run

from lazyregime import report


def test_ctrl_c_is_no_traceback(tmp_path, monkeypatch):
    def interrupted(given):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "_report", interrupted)
    assert report.main([str(tmp_path)]) == 130


@pytest.mark.parametrize("redirected", [">/dev/full", "| head -c 1", ">&-", ">&- 2>&- <&-"])
def test_it_is_written_though_nobody_reads(tmp_path, redirected):
    write_run(tmp_path / "runs")
    command = f"{sys.executable} -m lazyregime.report {tmp_path / 'runs'} --out {tmp_path / 'report'} {redirected}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert (tmp_path / "report" / "report.html").exists()


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"no picture"])
def test_a_damaged_figure_of_a_run_is_left_out(tmp_path, content):
    """Cut, or no picture at all: no report was written for anybody."""
    run = write_run(tmp_path / "runs" / "one")
    (run / "figures").mkdir(exist_ok=True)
    (run / "figures" / "summary.png").write_bytes(content)
    assert report.main([str(tmp_path / "runs"), "--out", str(tmp_path / "report")]) == 0
    assert (tmp_path / "report" / "report.html").exists()
