"""Whatever befalls a sweep on SLURM, it ends with the results of an undisturbed one, bit for bit, each epoch once."""

import contextlib
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from node_processes import kill_node
from slurm_sweep import LAUNCHER, TRAINING, TWO_NODES, TWO_TASKS, environment, outcome, slurm

pytestmark = pytest.mark.slurm
SCRIPTS = Path(__file__).resolve().parents[2] / "multirun_scripts"


def test_a_run_on_the_cluster_is_the_run_on_this_machine(one_process, tmp_path):
    command = [sys.executable, "-m", "lazyregime.train", "-m", *TRAINING, "seed=0,1"]
    subprocess.run(command, check=True, env=environment(tmp_path), stdout=subprocess.DEVNULL)
    assert outcome(tmp_path) == one_process


@pytest.mark.parametrize(
    ("script", "group", "few"),
    [("slurm_alpha_sweep.sh", "slurm_alpha", ["debug=fdr"]), ("slurm_poster_table.sh", "poster", [])],
)
def test_a_script_for_a_cluster_ends_with_its_report(script, group, few, cluster, tmp_path):
    size = {"LAUNCHER": "slurm_cpu", "WIDTHS": "8", "ALPHAS": "1,100", "SEEDS": "0", "SIZE": "tiny"}
    command = [SCRIPTS / script, *LAUNCHER[1:], *few]
    subprocess.run(command, check=True, cwd=tmp_path, env=environment(tmp_path) | size, stdout=subprocess.DEVNULL)
    assert len(list((tmp_path / group).glob("*/result.json"))) == 2
    assert (tmp_path / group / "report" / "report.html").exists()


MINE = """
from torch import nn

def net(width, n_outputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, n_outputs))
"""


def test_jobs_find_a_network_of_ones_own_in_the_folder_of_the_command(cluster, tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    own = ["debug=fdr", "arch=own", "arch._target_=mine.net", "trainer.limit_batches=2"]
    for launcher in (LAUNCHER, []):
        folder = tmp_path / ("cluster" if launcher else "here")
        command = [sys.executable, "-m", "lazyregime.train", "-m", *launcher, *own, "seed=0,1"]
        subprocess.run(command, check=True, cwd=tmp_path, env=environment(folder), stdout=subprocess.DEVNULL)
    assert len(outcome(tmp_path / "here")) == 2
    assert outcome(tmp_path / "cluster") == outcome(tmp_path / "here")


def test_two_processes_give_what_one_gives(one_process, two_processes):
    for name, (result, rows, _) in one_process.items():
        other, other_rows, _ = two_processes[name]
        assert numbers(other) == pytest.approx(numbers(result), rel=1e-5)
        assert [numbers(row) for row in other_rows] == [pytest.approx(numbers(row), rel=1e-5) for row in rows]


def test_two_nodes_give_what_two_processes_of_a_node_give(two_processes, start):
    sweep = start("seed=0", *TWO_NODES)
    sweep.end()
    assert outcome(sweep.folder) == only("s0", two_processes)


def test_runs_on_two_nodes_make_way_for_an_urgent_job(two_processes, start):
    sweep = start("seed=0,1", *TWO_NODES)
    sweep.hold(runs=2)
    urgent = urgent_job()
    sweep.end()
    assert outcome(sweep.folder) == two_processes
    assert "JobState=COMPLETED" in slurm("scontrol", "show", "job", urgent)
    left_and_resumed(sweep, "SIGUSR2")


def test_a_site_announces_preemption_by_term_only(one_process, start, cluster):
    with reconfigured(cluster, "SlurmctldParameters=preempt_send_user_signal", ""):
        sweep = start("seed=0,1")
        sweep.hold(runs=2)
        urgent_job()
        sweep.end()
    assert outcome(sweep.folder) == one_process
    left_and_resumed(sweep, "SIGTERM")


def test_the_time_is_up_in_the_middle_of_two_runs_of_one_job(one_process, start):
    asked = [f"hydra.launcher.{word}" for word in ("runs_per_job=2", "timeout_min=10", "signal_delay_s=20")]
    sweep = start("seed=0,1", *asked)
    sweep.hold()
    (job,) = set(sweep.jobs())
    slurm("scontrol", "update", f"jobid={job}", "endtime=now+60")  # not from its start: a busy machine imports long
    sweep.wait_for_log("Requeued job")
    slurm("scontrol", "update", f"jobid={job}", "timelimit=60")
    sweep.end()
    assert outcome(sweep.folder) == one_process
    assert "(999 remaining timeouts)" in sweep.logs()
    left_and_resumed(sweep, "SIGUSR2", runs=1)


def test_an_administrator_requeues(two_processes, start):
    sweep = start("seed=0", *TWO_TASKS)
    sweep.hold()
    slurm("scontrol", "requeue", *sweep.jobs())
    sweep.end()
    assert outcome(sweep.folder) == only("s0", two_processes)
    left_and_resumed(sweep, "SIGTERM", runs=1)


def test_a_cancelled_job_stays_cancelled_until_it_is_resubmitted(one_process, start):
    sweep = start("seed=0,1")
    sweep.hold(runs=2)
    cancelled, other = sweep.jobs()
    slurm("scancel", cancelled)
    sweep.wake(other)
    printed = sweep.end(code=1)
    assert f"job {cancelled} is over, its log is" in printed
    assert "1 of 2 runs have no result" in printed
    assert cancelled not in slurm("squeue", "-h", "-r", "-o", "%i").split()
    assert "2 runs: 1 interrupted, 1 complete" in sweep.status()
    sweep.resubmit().end()
    assert "2 runs: 2 complete" in sweep.status()
    assert outcome(sweep.folder) == one_process
    assert sweep.repeated_epochs() == 0


def test_the_launcher_is_ended_and_comes_back(one_process, start):
    sweep = start("seed=0,1")
    sweep.hold(runs=2)
    jobs = sweep.jobs()
    printed = sweep.stop(signal.SIGINT)
    assert f"scancel {' '.join(jobs)}" in printed
    assert "Traceback" not in printed
    for how in (signal.SIGKILL, None):
        sweep.start().wait_for_words("2 runs are in the queue already")
        if how is not None:
            sweep.stop(how)
    for job in jobs:
        sweep.wake(job)
    sweep.end()
    assert sweep.jobs() == jobs
    assert outcome(sweep.folder) == one_process
    assert "Resuming from" not in sweep.logs()
    assert sweep.repeated_epochs() == 0


def test_a_node_dies(one_process, cluster, start):
    sweep = start("seed=0,1")
    sweep.hold(runs=2)
    node = slurm("squeue", "-h", "-r", "-j", sweep.jobs()[0], "-o", "%N").strip()
    victims = slurm("squeue", "-h", "-w", node, "-o", "%A").split()
    kill_node(cluster, node, victims)
    sweep.end()
    assert outcome(sweep.folder) == one_process
    assert sweep.logs().count("Resuming from") == len(victims)
    assert sweep.repeated_epochs() <= len(victims)  # one that was over, and not yet saved


def urgent_job() -> str:
    """A job of three seconds that needs both nodes for itself, in the partition that preempts the other."""
    command = ["sbatch", "--parsable", "-p", "urgent", "-N2", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 3"]
    return slurm(*command).strip()


def left_and_resumed(sweep, name, runs=2):
    """Each of these runs has left when told, was requeued once, and has gone on where it was."""
    logs = sweep.logs()
    assert logs.count(f"Told to leave ({name})") == logs.count("Resuming from") == runs, sweep.everything()
    assert sweep.restarts() == [1] * runs, sweep.everything()
    assert sweep.repeated_epochs() == 0, sweep.everything()


def numbers(values):
    """Those of a result, or of a row as it is written."""
    found = {}
    for key, value in values.items():
        with contextlib.suppress(TypeError, ValueError):
            found[key] = float(value)
    return found


def only(seed, found):
    """The run of one seed."""
    return {name: each for name, each in found.items() if re.search(f"-{seed}-", name)}


@contextlib.contextmanager
def reconfigured(cluster, line, instead):
    """The cluster with another line in its configuration."""
    path = cluster / "slurm.conf"
    before = path.read_text()
    assert line in before
    path.write_text(before.replace(line, instead))
    slurm("scontrol", "reconfigure")
    try:
        yield
    finally:
        path.write_text(before)
        slurm("scontrol", "reconfigure")
