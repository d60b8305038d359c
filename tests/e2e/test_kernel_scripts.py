"""The scripts behind the figures of docs/kernels.md, with small networks and few images."""

import json
import os
import runpy
import sys
from pathlib import Path

import torch

from lazyregime.data import first_per_class, mnist
from lazyregime.kernels import KernelRegression, accuracy, empirical_ntk
from lazyregime.networks import MLP

SCRIPTS = Path(__file__).resolve().parents[2] / "multirun_scripts"


def run(monkeypatch, name, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    return runpy.run_path(str(SCRIPTS / name), run_name="__main__")


def images(**sizes):
    return mnist(data_dir=os.environ["LAZYREGIME_DATA"], **sizes)


def test_the_lazy_row_is_the_regression_with_the_full_kernel_and_is_not_repeated(tmp_path, monkeypatch, capsys):
    arguments = ("mlp-8", "cnn-2", "--per-class", 4, "--n-test", 40, "--out", tmp_path)
    script = run(monkeypatch, "lazy_row.py", *arguments)
    assert "mlp-8" in capsys.readouterr().out
    data = images(n_test=40)
    anchors = first_per_class(data.train_labels, 4)
    for name in ("mlp-8", "cnn-2"):
        stored = json.loads((tmp_path / f"{name}-s0-a4-t40.json").read_text())
        network = script["make_network"](name, 0)
        gram = empirical_ntk(network, data.train_inputs[anchors], outputs="full", accumulate=torch.float64)
        regression = KernelRegression(accuracy=1.2e-7).fit_gram(gram, data.train_labels[anchors])
        cross = empirical_ntk(network, data.test_inputs, data.train_inputs[anchors], outputs="full")
        assert abs(stored["accuracy"] - accuracy(regression.predict_gram(cross), data.test_labels)) <= 1 / 40
        assert stored["predict_seconds"] > 0 < stored["forward_seconds"]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    run(monkeypatch, "lazy_row.py", *arguments)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_exact_regression_goes_by_disk_and_agrees_with_memory(tmp_path, monkeypatch, capsys):
    found = {}
    for solver in ("cholesky", "cg"):
        arguments = ("--n-train", 120, "--n-test", 50, "--width", 8, "--block-rows", 50, "--relative-ridge", 1e-3)
        options = ("--solver", solver, "--rank", 20, "--plan", 1200, "--out", tmp_path)
        run(monkeypatch, "exact_regression.py", *arguments, *options)
        found[solver] = json.loads((tmp_path / "mlp-8-n120.json").read_text())
    assert (found["cholesky"]["method"], found["cg"]["method"]) == ("cholesky", "cg")
    assert abs(found["cg"]["accuracy"] - found["cholesky"]["accuracy"]) <= 1 / 50
    assert "1,200 training images, extrapolated" in capsys.readouterr().out
    torch.manual_seed(0)
    network = MLP(width=8)
    data = images(n_train=120, n_test=50)
    regression = KernelRegression(relative_ridge=1e-3)
    regression.fit_gram(empirical_ntk(network, data.train_inputs), data.train_labels)
    predicted = regression.predict_gram(empirical_ntk(network, data.test_inputs, data.train_inputs))
    assert abs(found["cholesky"]["accuracy"] - accuracy(predicted, data.test_labels)) <= 1 / 50
