"""python -m lazyregime.fit as a user types it."""

import csv
import json
import os
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.numpy import load_file

from lazyregime.app.trained import digest_of_network, load_network
from lazyregime.data import mnist, parity, sphere
from lazyregime.errors import LazyRegimeError
from lazyregime.fit import main
from lazyregime.kernels import empirical_ntk
from lazyregime.machines import KernelMachine, SphereKernel
from lazyregime.train import main as train_main

SMALL = ["data=sphere", "data.dimension=8", "data.n_train=60", "data.n_test=50", "machine=krr_sphere"]


def exit_code(door, *arguments):
    with pytest.raises(SystemExit) as exit_:
        door([*arguments])
    return exit_.value.code or 0


def fit(*arguments):
    return exit_code(main, *arguments)


def results(runs_dir):
    found = [json.loads(path.read_text()) for path in runs_dir.rglob("result.json")]
    return [result for result in found if result["command"] == "fit"]


def test_a_fit_leaves_what_it_promises_and_is_not_repeated(runs_dir, capsys):
    assert fit(*SMALL, "ridges=[1e-3,1e-1]", "intercept=false") == 0
    printed = capsys.readouterr().out
    assert "chosen by leave-one-out" in printed and "Next: " in printed
    (result,) = results(runs_dir)
    (folder,) = [path.parent for path in runs_dir.rglob("result.json")]
    assert (folder / "figures" / "summary.png").stat().st_size > 0
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert [float(row["ridge"]) for row in rows] == [1e-3, 1e-1]
    data = sphere(dimension=8, n_train=60, n_test=50)
    for row in rows:
        machine = KernelMachine(SphereKernel(shift=0.5), ridge=float(row["ridge"]))
        predicted = machine.fit(data.train_inputs, data.train_labels).predict(data.test_inputs)
        risk = float((predicted - data.test_labels).square().mean() / data.test_labels.square().mean())
        assert float(row["test_risk"]) == pytest.approx(risk, rel=1e-6)
    best = min(rows, key=lambda row: float(row["leave_one_out_risk"]))
    assert result["ridge"] == float(best["ridge"]) and result["test_risk"] == float(best["test_risk"])
    assert result["target_power_1"] == pytest.approx(0.5) and result["n_train"] == 60
    spectrum = load_file(folder / "kernels.safetensors")["input_spectrum"]
    covariance = np.cov(data.train_inputs.numpy(), rowvar=False, bias=True)
    np.testing.assert_allclose(spectrum, np.linalg.eigvalsh(covariance)[::-1], atol=1e-9)
    written = (folder / "result.json").stat().st_mtime_ns
    assert fit(*SMALL, "ridges=[1e-3,1e-1]", "intercept=false") == 0
    assert "complete already" in capsys.readouterr().out
    assert (folder / "result.json").stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("arguments", "chosen_by"),
    [
        (["data.n_validation=20"], "validation"),
        (["choose=test"], "test"),
        (["ridges=[0.1]"], "given"),
        (["choose=given"], "given"),
    ],
)
def test_the_result_says_on_what_the_ridge_was_chosen(runs_dir, arguments, chosen_by):
    assert fit(*SMALL, *arguments) == 0
    (result,) = results(runs_dir)
    assert result["chosen_by"] == chosen_by
    assert result["lowest_test_risk"] <= result["test_risk"]


def test_infinitely_many_samples_and_a_sweep(runs_dir, capsys):
    assert fit("-m", "experiment=gmmm19_units", "data.dimension=8", "machine=rf,nt", "width=10,100") == 0
    assert "4 runs, 0 of them complete already" in capsys.readouterr().out
    risks = {(r["machine"], r["num_features"]): r["test_risk"] for r in results(runs_dir)}
    assert 1 > risks["rf", 10] > risks["rf", 100] > risks["nt", 100] > 0 and risks["rf", 10] > risks["nt", 10]


def test_images_and_the_kernel_of_a_trained_network(runs_dir):
    few = ["data.n_train=60", "data.n_test=40"]
    assert exit_code(train_main, "debug=fdr", "width=8", "ntk=none", *few, "name=network") == 0
    (run,) = [path.parent for path in runs_dir.rglob("result.json")]
    for at in ("init", "last"):
        assert fit("machine=empirical_ntk", f"machine.run={run}", f"machine.at={at}", *few, "ridges=[0.1]") == 0
    assert fit("machine=rf", "width=30", *few, "choose=test") == 0
    exact = {"init": "float32", "last": "float64"}
    for at, dtype in exact.items():  # in another group, so that it is told apart
        moment = (f"machine.run={run}", f"machine.at={at}", f"machine.dtype={dtype}", "group=exact")
        assert fit("machine=empirical_ntk", *moment, *few, "ridges=[0.1]") == 0
    found = results(runs_dir)
    groups = {(r["group"], r.get("at")): r["train_risk"] for r in found if r.get("at")}
    assert groups["exact", "init"] == groups["mnist", "init"]  # the network's own precision
    assert groups["exact", "last"] == pytest.approx(groups["mnist", "last"], rel=1e-2)
    assert groups["exact", "last"] != groups["mnist", "last"]
    by_machine = {(r["machine"], r.get("at")): r for r in found if r["group"] == "mnist"}
    assert by_machine["empirical_ntk", "init"]["test_risk"] != by_machine["empirical_ntk", "last"]["test_risk"]
    assert 0 < by_machine["rf", None]["test_accuracy"] <= 1
    network = load_network(run, "last")
    x = mnist(data_dir=_data_dir(), n_train=60, n_test=1).train_inputs
    gram = empirical_ntk(network, x).double()
    centred = gram - gram.mean(0) - gram.mean(1, keepdim=True) + gram.mean()
    y = torch.nn.functional.one_hot(mnist(data_dir=_data_dir(), n_train=60, n_test=1).train_labels, 10).double()
    residual = 0.1 * torch.linalg.solve(centred + 0.1 * torch.eye(60), y - y.mean(0))
    expected = float(residual.square().sum() / y.square().sum())
    assert by_machine["empirical_ntk", "last"]["train_risk"] == pytest.approx(expected, rel=1e-2)


def test_the_same_training_done_again_is_the_same_network_to_a_fit(runs_dir):
    """The file of a checkpoint holds seconds too; a fit goes by the weights, each bit of them."""
    training = ["data=sphere", "data.n_train=48", "data.n_test=20", "width=8", "loss=mse", "ntk=none",
                "trainer.max_epochs=1"]  # fmt: skip
    assert exit_code(train_main, *training) == 0
    (run,) = [path.parent for path in runs_dir.rglob("result.json")]
    checkpoint = run / "checkpoints" / "last.ckpt"
    written, digest = checkpoint.read_bytes(), digest_of_network(run, "last")
    assert exit_code(train_main, *training, "rerun=true") == 0
    assert checkpoint.read_bytes() != written and digest_of_network(run, "last") == digest
    content = torch.load(checkpoint, weights_only=True)
    name = next(key for key in content["state_dict"] if key.startswith("network."))
    content["state_dict"][name].view(torch.int32).flatten()[0] ^= 1
    torch.save(content, checkpoint)
    (checkpoint.parent / "checksums.json").unlink()
    assert digest_of_network(run, "last") != digest
    content["state_dict"][name] = "weights"
    torch.save(content, checkpoint)
    with pytest.raises(LazyRegimeError, match="something else than tensors"):
        digest_of_network(run, "last")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ridges=[-1]"], "finite numbers >= 0"),
        (["coding=centred"], "intercept=true centres"),
        (["machine=empirical_ntk"], "needs machine.run=FOLDER"),
        (["machine=empirical_ntk", "machine.run=x", "machine.dtype=float16"], "x is no run folder"),
        (["machine=rf", "machine.activation=cube"], "choose one of"),
        (["population=true"], "machine=rf or nt"),
        (["machine=rf", "population=true", "width=9000"], "at most 8,000"),
        (["machine=rf", "population=true", "data.target=hermite"], "gegenbauer or neuron"),
        (["choose=loo"], "choose"),
        (["rigdes=[1]"], "did you mean 'ridges'"),
        (["max_basis=0"], "at least 1"),
        (["choose=validation"], "needs held-out samples"),
        (["solver=primal"], "needs features"),
        (["solver=cg"], "all eigenvalues"),
        (["data.n_train=4000"], "all eigenvalues: of at most 3000"),
        (["machine=cntk", "choose=test"], "of images, and data=sphere are vectors"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_computed(runs_dir, capsys, arguments, says):
    assert fit(*SMALL, *arguments) == 2
    assert says in capsys.readouterr().err
    assert not list(runs_dir.rglob("result.json"))


def test_two_classes_are_signs_for_one_output(runs_dir, capsys):
    """Even and odd digits: the accuracy is that of the sign of ridge regression on -1 and +1, by numpy."""
    words = ["data=mnist_parity", "data.n_train=60", "data.n_test=40", "machine=linear", "ridges=[.1]", "tracking=csv"]
    assert fit(*words, "intercept=false") == 0
    result = json.loads(next(runs_dir.rglob("result.json")).read_text())
    data = parity(data_dir=os.environ["LAZYREGIME_DATA"], n_train=60, n_test=40)
    inputs = (data.train_inputs, data.test_inputs)
    x, x_test = (
        np.c_[part.double().numpy() / 10**0.25, np.ones(len(part))] for part in inputs
    )  # K = 1 + x x' / sqrt d
    y, y_test = (2.0 * labels.numpy() - 1 for labels in (data.train_labels, data.test_labels))
    f = x_test @ np.linalg.solve(x.T @ x + 0.1 * np.eye(x.shape[1]), x.T @ y)
    assert result["test_accuracy"] == pytest.approx(np.mean(np.sign(f) == y_test))
    assert result["test_risk"] == pytest.approx(np.mean((f - y_test) ** 2), rel=1e-6)
    capsys.readouterr()
    assert fit(*words, "coding=0.9/-0.1") == 0
    assert "coding=0.9/-0.1 has no effect" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["solver=dual", "memory_budget=1000"], "more than the memory budget"),
    ],
)
def test_what_fails_says_why(runs_dir, capsys, arguments, says):
    assert fit(*SMALL, *arguments) == 1
    assert says in capsys.readouterr().err


def test_the_causes_of_the_noise_study_are_measured_on_their_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAZYREGIME_RUNS", str(tmp_path))
    script = runpy.run_path(str(Path(__file__).resolve().parents[2] / "multirun_scripts" / "noise_causes.py"))
    few = script["main"].__globals__  # the other constants and changes take the same way
    few["CONSTANTS"], few["CHANGES"] = (44,), {"sgd": few["CHANGES"]["sgd"]}
    small = ["data.n_train=40", "data.n_test=30", "seed=0,1", "progress=lines"]
    script["main"](["quadratic", *small])
    script["main"](["network", "width=4", "trainer.max_epochs=1", *small])
    printed = capsys.readouterr().out

    def accuracies(group, tau):
        found = list((tmp_path / group).rglob("result.json"))
        chosen = [path for path in found if OmegaConf.load(path.parent / "config.yaml").data.tau == tau]
        return [json.loads(path.read_text())["test_accuracy"] for path in chosen]

    (row,) = (line for line in printed.splitlines() if line.strip().startswith("quadratic, c = 44 "))
    assert len(accuracies("causes_quadratic_c44", 3)) == 2
    assert f"{np.mean(accuracies('causes_quadratic_c44', 3)):.4f} ±" in row
    (row,) = (line for line in printed.splitlines() if line.strip().startswith("sgd"))
    assert f"{np.mean(accuracies('causes_network_sgd', 0)):.4f} ±" in row
    assert not exit_code(script["main"], "--help")
    assert exit_code(script["main"], "width") == 2


def test_a_folder_without_a_network_is_refused(tmp_path):
    with pytest.raises(LazyRegimeError, match="no run folder"):
        load_network(tmp_path)
    (tmp_path / "config.yaml").write_text("machine: {}\n")
    with pytest.raises(LazyRegimeError, match="not a training run"):
        load_network(tmp_path)
    with pytest.raises(LazyRegimeError, match="choose one of"):
        load_network(tmp_path, "middle")


def _data_dir():
    import os

    return os.environ["LAZYREGIME_DATA"]
