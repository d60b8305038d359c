"""Whatever befalls a sweep on SLURM, it ends with the results of an undisturbed one, bit for bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from slurm_sweep import CLUSTER, TRAINING, TWO_NODES, TWO_TASKS, Sweep, outcome, slurm, wait_until

pytestmark = pytest.mark.slurm


def test_a_run_on_the_cluster_is_the_run_on_this_machine(one_process, tmp_path):
    command = [sys.executable, "-m", "lazyregime.train", "-m", *TRAINING, "seed=0,1"]
    environment = {**os.environ, "LAZYREGIME_RUNS": str(tmp_path), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    assert outcome(tmp_path) == one_process


def test_two_processes_give_what_one_gives(one_process, two_processes):
    for name, (result, rows, _) in one_process.items():
        other, other_rows, _ = two_processes[name]
        assert other["steps"] == result["steps"]
        for key in ("test_loss", "kernel_change", "parameter_displacement", "condition_number_adh_init"):
            assert other[key] == pytest.approx(result[key], rel=2e-3), key  # after 3008 steps of rounding
        for key in ("train_loss", "test_loss"):  # the first epoch, of 188 steps
            assert float(other_rows[1][key]) == pytest.approx(float(rows[1][key]), rel=1e-5)


def test_two_nodes_give_what_two_processes_of_a_node_give(two_processes, tmp_path):
    Sweep(tmp_path, "seed=0,1", *TWO_NODES).start().end()
    assert outcome(tmp_path) == two_processes


def test_runs_on_two_nodes_make_way_for_an_urgent_job(two_processes, tmp_path):
    sweep = Sweep(tmp_path, "seed=0,1", *TWO_NODES).start()
    sweep.wait_for_rows(2, runs=2)
    urgent = slurm("sbatch", "--parsable", "-p", "urgent", "-N2", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 3")
    sweep.end()
    assert outcome(tmp_path) == two_processes
    assert slurm("scontrol", "show", "job", urgent.strip()).count("JobState=COMPLETED") == 1
    assert sweep.logs().count("Told to leave (SIGUSR2)") == 2
    assert sweep.logs().count("Resuming from") == 2


@pytest.mark.parametrize("name", ["TERM", "USR2"])
def test_a_signal_in_the_middle_of_an_epoch(name, one_process, tmp_path):
    sweep = Sweep(tmp_path, "seed=0,1").start()
    sweep.wait_for_rows(2, runs=2)
    slurm("scancel", f"--signal={name}", *sweep.jobs())
    sweep.end()
    assert outcome(tmp_path) == one_process
    assert sweep.logs().count(f"Told to leave (SIG{name})") == 2
    assert sweep.logs().count("Resuming from") == 2


def test_an_administrator_requeues(two_processes, tmp_path):
    sweep = Sweep(tmp_path, "seed=0,1", *TWO_TASKS).start()
    sweep.wait_for_rows(2, runs=2)
    for job in sweep.jobs():
        slurm("scontrol", "requeue", job)
    sweep.end()
    assert outcome(tmp_path) == two_processes
    assert sweep.logs().count("Resuming from") == 2


def test_a_cancelled_job_stays_cancelled_and_the_same_command_finishes_it(one_process, tmp_path):
    sweep = Sweep(tmp_path, "seed=0,1").start()
    sweep.wait_for_rows(2, runs=2)
    cancelled = sweep.jobs()[0]
    slurm("scancel", cancelled)
    printed = sweep.end(code=1)
    assert f"job {cancelled} is over, its log is" in printed
    assert "1 of 2 runs have no result" in printed
    assert cancelled not in slurm("squeue", "-h", "-r", "-o", "%i").split()
    sweep.start().end()
    assert outcome(tmp_path) == one_process


def test_the_launcher_is_ended_and_comes_back(one_process, tmp_path):
    sweep = Sweep(tmp_path, "seed=0,1").start()
    sweep.wait_for_rows(2, runs=2)
    jobs = sweep.jobs()
    for job in jobs:
        slurm("scontrol", "suspend", job)  # so that they are not over before the launcher is back
    printed = sweep.stop(signal.SIGINT)
    assert f"scancel {' '.join(jobs)}" in printed
    assert "Traceback" not in printed
    for how in (signal.SIGKILL, None):
        sweep.start().wait_for_words("2 runs are in the queue already")
        if how is not None:
            sweep.stop(how)
    for job in jobs:
        slurm("scontrol", "resume", job)
    sweep.end()
    assert sweep.jobs() == jobs
    assert outcome(tmp_path) == one_process
    assert "Resuming from" not in sweep.logs()


def test_a_node_dies(one_process, cluster, tmp_path):
    sweep = Sweep(tmp_path, "seed=0,1").start()
    sweep.wait_for_rows(2, runs=2)
    node = slurm("squeue", "-h", "-r", "-j", sweep.jobs()[0], "-o", "%N").strip()
    number = node.removeprefix("lrn")
    victims = slurm("squeue", "-h", "-w", node, "-o", "%A").split()
    (daemon,) = [line.split()[0] for line in (cluster / "pids").read_text().splitlines() if f"slurmd-{node}" in line]
    os.kill(int(daemon), signal.SIGKILL)
    for pid in processes_of(victims):
        os.kill(pid, signal.SIGKILL)
    try:
        sweep.end()
    finally:
        subprocess.run([CLUSTER, "node", cluster, number], check=True)
    assert outcome(tmp_path) == one_process
    assert sweep.logs().count("Resuming from") == len(victims)
    wait_until(lambda: "idle" in slurm("sinfo", "-h", "-n", node, "-p", "main", "-o", "%T"), f"{node} does not return")


def processes_of(jobs: list[str]) -> list[int]:
    """SLURM's own processes of these jobs first, which would tell of the end of the others."""
    found: list[tuple[bool, int]] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        step = any(command.startswith(f"slurmstepd: [{job}.") for job in jobs)
        task = any(f"SLURM_JOB_ID={job}".encode() in environment for job in jobs)
        if step or task:
            found.append((not step, int(process.name)))
    return [pid for _, pid in sorted(found)]
