"""Gradient flows as a user starts them: runs together or apart, killed at any moment, end the same."""

import json
import math
import os
import random
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file

from lazyregime.app.api import run
from lazyregime.errors import LazyRegimeError
from lazyregime.gradient_flow import flow
from lazyregime.train import main

SCRIPTS = Path(__file__).resolve().parents[2] / "multirun_scripts"
SMALL = [
    "data=teacher_student", "data.dimension=5", "data.n_train=24", "data.n_test=16", "arch=two_layer", "width=8",
    "arch.activation=tanh", "loss=mse", "optimizer=gradient_flow", "optimizer.margin=null", "optimizer.max_steps=200",
    "ntk.anchors_per_class=6", "tracking=csv", "regime=scaled", "num_threads=1", "progress=lines",
]  # fmt: skip
LOOKS = "ntk.at.loss_fractions=[0.9]"
SWEEP = ["-m", *SMALL, "alpha=0.1,10", "init_seed=0,1", "data_seed=0", LOOKS]
KEPT = ("test_outputs", "gram_loss_0.9")
SAME = ("test_loss", "train_loss", "flow_time", "kernel_change", "half_loss_time", "displacement")


def sweep(arguments):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert not exit_.value.code


def results(folder):
    found = {}
    for path in sorted(folder.rglob("result.json")):
        result = json.loads(path.read_text())
        kept = load_file(path.parent / "kernels.safetensors")
        found[path.parent.name] = result, {name: kept[name] for name in KEPT if name in kept}
    return found


def stage_of(folder):
    """What is on disk of the flows: changes whenever one of them is saved or has ended."""
    return tuple(sorted((str(p), changed(p)) for p in folder.rglob("*.*") if is_saved(p)))


def changed(path):
    """When; 0 for a checkpoint that is just being replaced."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def is_saved(path):
    return path.name in ("last.ckpt", "result.json")


def assert_same(mine, theirs):
    assert mine.keys() == theirs.keys()
    for name, (result, outputs) in mine.items():
        other, other_outputs = theirs[name]
        assert (result["steps"], result["flow_status"]) == (other["steps"], other["flow_status"])
        for key in SAME:
            assert result[key] == pytest.approx(other[key], rel=1e-6, abs=1e-12), (name, key)
        torch.testing.assert_close(outputs, other_outputs, rtol=1e-6, atol=1e-9)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    sweep([*SWEEP, f"runs_dir={folder}"])
    return results(folder)


def test_together_and_one_by_one_are_the_same(undisturbed, tmp_path):
    assert all(result["flows_together"] == 4 for result, _ in undisturbed.values())
    assert all(set(kept) == set(KEPT) for _, kept in undisturbed.values())
    sweep([*SWEEP, "optimizer.together=never", f"runs_dir={tmp_path}"])
    apart = results(tmp_path)
    assert all(result.get("flows_together") is None for result, _ in apart.values())
    assert_same(undisturbed, apart)


def test_a_sweep_killed_ten_times_ends_the_same(undisturbed, tmp_path):
    """At random moments; the command is given again each time."""
    # saving often, in slowed flows, so that ten kills find them at different points
    command = [*SWEEP, f"runs_dir={tmp_path}", "optimizer.save_every=0.02"]
    program = (
        "import time, lazyregime.gradient_flow.flow as flow\n"
        "attempt = flow.attempt\n"
        "def slow(*arguments):\n"
        "    time.sleep(0.01)\n"
        "    return attempt(*arguments)\n"
        "flow.attempt = slow\n"
        "import sys, lazyregime.train\n"
        "for overrides in iter(sys.stdin.readline, ''):\n"
        "    pid = __import__('os').fork()\n"
        "    if not pid:\n"
        "        lazyregime.train.main(sys.argv[1:])\n"
        "    print(pid, flush=True)\n"
        "    __import__('os').waitpid(pid, 0)\n"
        "    print('over', flush=True)\n"
    )
    # one parent imports torch once and forks the processes that are killed
    parent = subprocess.Popen(
        [sys.executable, "-c", program, *command], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert parent.stdin and parent.stdout
    moments, stages = random.Random(0), []
    with parent.stdin, parent.stdout:
        for _ in range(10):
            before = stage_of(tmp_path)
            parent.stdin.write("go\n")
            parent.stdin.flush()
            pid = int(next(line for line in parent.stdout if line.strip().isdigit()))
            deadline = time.monotonic() + 120
            while stage_of(tmp_path) == before and time.monotonic() < deadline:
                time.sleep(0.005)  # until something new is on disk, so that every attempt gets on
            time.sleep(moments.uniform(0.0, 0.2))
            os.kill(pid, signal.SIGKILL)
            next(line for line in parent.stdout if line.strip() == "over")
            stages.append(stage_of(tmp_path))
    parent.wait(timeout=60)
    assert len(set(stages)) == 10  # the kills found the sweep at different points
    sweep(command)
    assert_same(undisturbed, results(tmp_path))


def test_a_flow_that_is_told_to_leave_saves_its_step_first(undisturbed, tmp_path, monkeypatch):
    attempt, attempts = flow.attempt, []

    def attempt_and_tell(*arguments):
        attempts.append(1)
        if len(attempts) == 50:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1.1)  # until it looks
        return attempt(*arguments)

    monkeypatch.setattr(flow, "attempt", attempt_and_tell)
    command = [*SMALL, "alpha=10", "init_seed=1", "data_seed=0", LOOKS, f"runs_dir={tmp_path}"]
    with pytest.raises(SystemExit) as exit_:
        main(command)
    assert exit_.value.code == 128 + signal.SIGTERM
    assert len(attempts) == 50
    sweep(command)
    assert_same({name: undisturbed[name] for name in results(tmp_path)}, results(tmp_path))
    assert sum(result["attempts"] for result, _ in results(tmp_path).values()) == len(attempts)  # none twice


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 0)])
def test_flows_together_save_before_they_leave_and_outlive_their_terminal(
    signum, code, undisturbed, tmp_path, monkeypatch, capsys
):
    attempt, attempts = flow.attempt, []

    def attempt_and_tell(*arguments):
        attempts.append(1)
        if len(attempts) == 50:
            os.kill(os.getpid(), signum)
            time.sleep(1.1)  # until it looks
        return attempt(*arguments)

    monkeypatch.setattr(flow, "attempt", attempt_and_tell)
    command = [*SWEEP, f"runs_dir={tmp_path}"]
    handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(SystemExit) as exit_:
        main(command)
    assert (exit_.value.code or 0) == code
    assert handlers == [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    if code:
        assert len(attempts) == 50 and len(list(tmp_path.rglob("last.ckpt"))) == 4
        assert "the same command goes on from what is saved" in capsys.readouterr().out
        sweep(command)
    assert_same(undisturbed, results(tmp_path))
    assert all((path.parent / "figures" / "summary.png").exists() for path in tmp_path.rglob("result.json"))


def test_a_single_flow_writes_a_run(tmp_path):
    result = run(*SMALL, "alpha=1", f"runs_dir={tmp_path}", quiet=True)
    assert result["flow_status"] in ("max_steps", "converged")
    assert result["initial_output"] == 0.0
    assert result["kernel_change"] > 0
    (folder,) = (tmp_path / "teacher_student").iterdir()
    assert (folder / "figures" / "summary.png").is_file()
    assert (folder / "metrics.csv").read_text().startswith("time,")


def test_the_causes_are_measured_on_the_runs_of_their_sweep(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAZYREGIME_RUNS", str(tmp_path))
    script = runpy.run_path(str(SCRIPTS / "laziness_causes.py"))
    script["main"]([
        "depth", "width=4", "arch.depth=1,2", "laziness=1,100", "init_seed=0,1", "data.n_train=8", "data.n_test=8",
        "data.n_kernel=4", "optimizer.max_steps=40", "num_threads=1", "progress=lines",
    ])  # fmt: skip
    printed = capsys.readouterr().out
    changes = {}
    for path in (tmp_path / "causes_depth").rglob("result.json"):
        result, config = json.loads(path.read_text()), OmegaConf.load(path.parent / "config.yaml")
        changes[config.arch.depth, result["init_seed"], result["laziness"]] = result["kernel_change"]
    for depth, expected in ((1, "-1.000"), (2, "-1.333")):
        slopes = [math.log10(changes[depth, seed, 100] / changes[depth, seed, 1]) / 2 for seed in (0, 1)]
        (row,) = (line for line in printed.splitlines() if f"{depth} hidden layers" in line)
        assert f"{sum(slopes) / 2:.3f} [" in row
        assert row.rstrip().endswith(expected)
    with pytest.raises(SystemExit):
        script["main"](["breadth"])


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.max_dgrad=0", "max_dgrad"),
        ("optimizer.dual=true", "regime=lazy"),
        ("ntk.at.epochs=[1]", "at.epochs"),
    ],
)
def test_a_contradiction_is_refused_with_a_sentence(override, words, tmp_path):
    with pytest.raises(LazyRegimeError, match=words):
        run(*SMALL, "alpha=1", override, f"runs_dir={tmp_path}", quiet=True)
