"""A run that is told to leave, at whatever moment, ends as if undisturbed; and the requeueing is asked for once."""

import os
import signal
import subprocess
import sys
import time

import pytest
from test_train import metrics_of, only, wait_for_rows

from lazyregime.app.slurm import requeue
from lazyregime.notice import NOTICE, Leaving, Notice

LONG = ["debug=fdr", "trainer.max_epochs=40", "data.n_train=6000", "ntk.at.loss_fractions=[0.9,0.5]"]


def test_told_in_the_middle_of_epochs_it_goes_on_where_it_was(runs_dir, tmp_path):
    command = [sys.executable, "-m", "lazyregime.train", *LONG]
    for rows in (2, 7, 15):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
        wait_for_rows(runs_dir, rows, process)
        time.sleep(0.01 * rows)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate()
        assert process.returncode == 128 + signal.SIGTERM, printed
        assert "Told to leave (SIGTERM); the same command goes on" in printed
        assert "Traceback" not in printed
    resumed = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert "Resuming from" in resumed.stdout
    undisturbed = {**os.environ, "LAZYREGIME_RUNS": str(tmp_path / "other")}
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=undisturbed)
    a, b = only(runs_dir), only(tmp_path / "other")
    assert metrics_of(a / "result.json") == metrics_of(b / "result.json")
    assert (a / "kernels.safetensors").read_bytes() == (b / "kernels.safetensors").read_bytes()


def test_a_notice_waits_for_the_end_of_deferred_work():
    notice = Notice()
    reached = []
    with pytest.raises(Leaving) as leaving, notice.listening():
        with notice.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append(notice.signum)
        reached.append("beyond")
    assert reached == [signal.SIGTERM]
    assert leaving.value.why == "SIGTERM"


def test_a_notice_outside_of_deferred_work_ends_it_at_once_and_a_second_one_disturbs_nothing():
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Leaving), NOTICE.listening():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
            raise AssertionError("the signal did not end it")
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == handler


@pytest.mark.parametrize(("signum", "state", "times"), [
    (signal.SIGUSR2, "RUNNING", 1),
    (signal.SIGTERM, "RUNNING", 1),  # a preemption at a site that says TERM only
    (signal.SIGTERM, "COMPLETING", 0),  # scancel
    (signal.SIGTERM, "", 0),
    (signal.SIGUSR2, None, 1),  # squeue does not answer
    (signal.SIGTERM, None, 0),
])  # fmt: skip
def test_back_into_the_queue_once_unless_the_job_is_over(signum, state, times, monkeypatch):
    asked = []
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(requeue, "state_of", lambda job: {"7": state}[job])
    before = signal.signal(signal.SIGUSR2, lambda *_: asked.append(1))
    try:
        with pytest.raises(SystemExit):
            requeue.leave(Leaving(signum))
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert len(asked) == times
