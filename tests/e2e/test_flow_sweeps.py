"""Gradient flows as a user starts them: runs together or apart, killed at any moment, end the same."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from lazyregime.app.api import run
from lazyregime.errors import LazyRegimeError
from lazyregime.train import main

SMALL = [
    "data=teacher_student", "data.dimension=5", "data.n_train=24", "data.n_test=16", "arch=two_layer", "width=8",
    "arch.activation=tanh", "loss=mse", "optimizer=gradient_flow", "optimizer.margin=null", "optimizer.max_steps=400",
    "ntk.anchors_per_class=6", "tracking=csv", "regime=scaled", "num_threads=1", "progress=lines",
]  # fmt: skip
SWEEP = ["-m", *SMALL, "alpha=0.1,1,10", "init_seed=0,1", "data_seed=0"]
SAME = ("test_loss", "train_loss", "flow_time", "kernel_change", "half_loss_time", "displacement")


def sweep(arguments):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert not exit_.value.code


def results(folder):
    found = {}
    for path in sorted(folder.rglob("result.json")):
        result = json.loads(path.read_text())
        found[path.parent.name] = result, load_file(path.parent / "kernels.safetensors")["test_outputs"]
    return found


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
    assert all(result["flows_together"] == 6 for result, _ in undisturbed.values())
    sweep([*SWEEP, "optimizer.together=never", f"runs_dir={tmp_path}"])
    apart = results(tmp_path)
    assert all("flows_together" not in result for result, _ in apart.values())
    assert_same(undisturbed, apart)


def test_a_sweep_killed_ten_times_ends_the_same(undisturbed, tmp_path):
    """At random moments between the first checkpoint and the end; the command is given again each time."""
    # a process that saves after every tenth of a second, so that a kill finds the flows at different points
    command = [*SWEEP, f"runs_dir={tmp_path}", "optimizer.save_every=0.02"]
    program = (
        "import time, lazyregime.flows.gradient_flow.flow as flow\n"
        "attempt = flow.attempt\n"
        "def slow(*arguments):\n"
        "    time.sleep(0.002)\n"
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
    moments, killed, progress = random.Random(0), 0, set()
    while killed < 10:
        parent.stdin.write("go\n")
        parent.stdin.flush()
        pid = int(next(line for line in parent.stdout if line.strip().isdigit()))
        time.sleep(moments.uniform(0.3, 1.5))
        os.kill(pid, signal.SIGKILL)
        next(line for line in parent.stdout if line.strip() == "over")
        killed += 1
        progress.add((len(list(tmp_path.rglob("flow.ckpt"))), len(list(tmp_path.rglob("result.json")))))
    parent.stdin.close()
    parent.wait(timeout=60)
    assert len(progress) > 1  # the kills found the sweep at different points
    sweep(command)
    assert_same(undisturbed, results(tmp_path))


def test_a_single_flow_writes_a_run(tmp_path):
    result = run(*SMALL, "alpha=1", f"runs_dir={tmp_path}", quiet=True)
    assert result["flow_status"] in ("max_steps", "converged")
    assert result["initial_output"] == 0.0
    assert result["kernel_change"] > 0
    (folder,) = (tmp_path / "teacher_student").iterdir()
    assert (folder / "figures" / "summary.png").is_file()
    assert (folder / "metrics.csv").read_text().startswith("time,")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.max_dgrad=0", "max_dgrad"),
        ("optimizer.dual=true", "regime=lazy"),
        ("ntk.at_epochs=[1]", "at_epochs"),
    ],
)
def test_a_contradiction_is_refused_with_a_sentence(override, words, tmp_path):
    with pytest.raises(LazyRegimeError, match=words):
        run(*SMALL, "alpha=1", override, f"runs_dir={tmp_path}", quiet=True)
