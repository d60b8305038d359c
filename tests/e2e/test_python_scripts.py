"""Every Python script of multirun_scripts/ and benchmarks/ runs to its end at a tiny size."""

import runpy
import sys
from pathlib import Path

import pytest

import lazyregime

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted([*(ROOT / "multirun_scripts").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")])

FLOW = ["width=8", "arch.depth=1", "data.n_train=20", "data.n_test=20", "optimizer.max_steps=10"]
LAZINESS = [*FLOW, "data.n_kernel=10", "ntk.n_test=20"]
SPHERE = ["width=8", "data.n_train=20", "data.n_test=20", "ntk.anchors_per_class=10", "ntk.n_test=20"]
NET = ["data.n_train=40", "data.n_test=30", "seed=0"]
# What each is given, command by command; what it prints in its last table.
COMMANDS = {
    "laziness_causes.py": {
        ("depth", *LAZINESS, "arch.depth=1,2", "laziness=0.1,1", "init_seed=0,1"): "2 hidden layers",
        ("points", *LAZINESS, "data.n_train=20,30", "laziness=1,1000", "init_seed=0"): "30 points, width 8",
        ("variance", *LAZINESS, "width=8,16", "init_seed=0,1,2"): "widths 8, 16, 3 initializations",
        ("rare", *FLOW, "init_seed=0"): "exponent of the median, alpha 100 to 1000",
        ("smooth", *FLOW, "arch.activation=silu", "init_seed=0,1"): "silu, width 8, alpha 100 to 1000",
    },
    "noise_causes.py": {
        ("network", *NET, "width=8", "trainer.max_epochs=1"): "weight_decay",
        ("quadratic", *NET): "quadratic, c = 150",
        ("authors", *NET): "quadratic, c = 8",
    },
    "predicted_curves.py": {("--pool", "60", "--draws", "2"): "leave-one-out: within 10%"},
    "prediction_causes.py": {("--pool", "60", "--draws", "2", "--pools", "2", "--data", "sphere"): "points miss"},
    "theory_causes.py": {
        ("symmetric", "widths=8,16", "seeds=0,1", "n_train=6", "dimension=3"): "a ~ N(1, 1), softplus",
        ("finite", "dimensions=10"): "limit",
    },
    "protocols.py": {("runs/tiny/RUN", "--n-test", "20"): "after training"},
    "verdict_calibration.py": {("flow", "sphere-two-layer-tanh", *SPHERE, "optimizer.max_steps=20"): "of 4 right"},
    "ensembles.py": {("--members", "2", "--depth", "1", "--rounds", "1", "--sizes", "4,3,8"): "one by one/chosen"},
    "job_start.py": {("--repeats", "1", "width=8"): "start to first training step"},
    "many_runs.py": {("--runs", "3", "--repeats", "1"): "report"},
    "ntk.py": {
        ("--case", "small-mlp", "--repeats", "1", "--fast"): "small-mlp, 30 x 40",
        **{
            ("--case", "small-mlp", "--repeats", "1", "--method", method): '"whole"'
            for method in ("jacobian contraction", "ntk-vector products")
        },
    },
    "peers.py": {("tiny MLP", "--rounds", "1", "--without-memory"): "ours, first call"},
    "probing.py": {("--batches", "1", "--anchors", "1", "--test", "10", "width=4", "ntk.null=0"): "ResNet-18"},
    "ridge_path.py": {("--n", "60", "--n-test", "20", "--peer-ridges", "2", "--threads", "1"): "scikit-learn"},
}
ELSEWHERE = {
    "exact_regression.py": "tests/e2e/test_kernel_scripts.py holds it against the regression in memory",
    "lazy_row.py": "tests/e2e/test_kernel_scripts.py holds it against the full kernel",
    "prediction_nulls.py": "what prediction_causes.py holds curves against",
    "gpu.py": "tests/e2e/test_gpu_kit.py",
    "gpu_pieces.py": "what a piece of gpu.py is",
    "gpu_measures.py": "pieces of gpu.py",
    "gpu_studies.py": "pieces of gpu.py",
    "flows.py": "tests/two_layer/test_flows_benchmark.py",
    "training.py": "tests/app/test_training_benchmark.py",
    "peers_methods.py": "the methods of peers.py",
}


@pytest.mark.parametrize(
    ("name", "arguments", "last"),
    [
        pytest.param(name, arguments, last, id=f"{name} {arguments[0]} {arguments[-1]}")
        for name, commands in COMMANDS.items()
        for arguments, last in commands.items()
    ],
)
def test_a_script_runs_to_its_end(name, arguments, last, runs_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if "runs/tiny/RUN" in arguments:
        lazyregime.run("width=8", "debug=fdr", "group=tiny", "data.n_train=600", quiet=True)
        (run,) = (path.parent for path in runs_dir.rglob("result.json"))
        arguments = [word.replace("runs/tiny/RUN", str(run)) for word in arguments]
    (path,) = (path for path in SCRIPTS if path.name == name)
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    capsys.readouterr()
    runpy.run_path(str(path), run_name="__main__")
    assert last in capsys.readouterr().out


def test_each_is_run_here_or_elsewhere():
    assert sorted([*COMMANDS, *ELSEWHERE]) == sorted(path.name for path in SCRIPTS)
