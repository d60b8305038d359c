"""A data function of one's own as a user gives it: shapes follow, mistakes are sentences, sweeps and resuming work."""

import json
from pathlib import Path

import pytest

from lazyregime.fit import main as fit_main
from lazyregime.train import main as train_main

MINE = """
import numpy as np
import torch
from sklearn.datasets import load_digits

def digits(n=200, scale=16.0):
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 1, 8, 8) / scale
    return x[:n], y[:n], x[n:n + 100], y[n:n + 100]

def validated(n=200):
    x, y, x_test, y_test = digits(n)
    return x[:150], y[:150], x[150:], y[150:], x_test, y_test

def weighted(zero=1.0):
    x, y, x_test, y_test = digits()
    return {"train": (x, y), "test": (x_test, y_test), "class_weights": [zero] + [1.0] * 9}

def several():
    x, y, x_test, y_test = digits()
    return x, np.stack([y % 2, y > 4], 1).astype(int), x_test, np.stack([y_test % 2, y_test > 4], 1).astype(int)

def targets():
    x, y, x_test, y_test = digits()
    return x, y / 9, x_test, y_test / 9

def tokens():
    x, y, x_test, y_test = digits(scale=1.0)
    return x.reshape(-1, 64).astype(int), y, x_test.reshape(-1, 64).astype(int), y_test

def torn(n=200):
    x, y, x_test, y_test = digits(n)
    return x, y[:-1], x_test, y_test

def nothing():
    return None

def failing():
    raise FileNotFoundError("no such file: digits.npz")
"""

FAST = ("data=own", "width=16", "trainer.max_epochs=2", "ntk=none", "tracking=csv", "progress=none")


@pytest.fixture
def runs_dir(tmp_path, monkeypatch) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("LAZYREGIME_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def code(main, arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code or 0


def train(*arguments: str) -> int:
    return code(train_main, [*FAST, *arguments])


def results(runs_dir: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(runs_dir.rglob("result.json"))]


@pytest.mark.parametrize("arch", ["mlp", "cnn", "two_layer"])
def test_shapes_follow_from_what_the_function_gives(runs_dir, arch):
    assert (
        train("data._target_=mine.digits", f"arch={arch}", "trainer.max_epochs=20", "trainer.batch_size=20", "lr=0.01")
        == 0
    )
    (result,) = results(runs_dir)
    assert result["test_accuracy"] > 0.6
    assert result["data"] == "mine.digits"


def test_further_keys_are_its_arguments_and_the_probe_and_a_sweep_work(runs_dir):
    sweep = ["-m", *FAST[:3], "data._target_=mine.digits", "data.n=150,250", "seed=0,1", "ntk.anchors_per_class=3"]
    assert code(train_main, [*sweep, "tracking=csv", "progress=none"]) == 0
    assert sorted(result["n_train"] for result in results(runs_dir)) == [150, 150, 250, 250]
    assert all(result["kernel_accuracy_adh_init"] > 0.2 for result in results(runs_dir))


@pytest.mark.parametrize(
    ("function", "options"),
    [
        ("several", []), ("several", ["loss=softhinge"]), ("several", ["loss=mse"]), ("targets", ["loss=mse"]),
        ("several", ["optimizer=gradient_flow", "optimizer.max_steps=3", "trainer.batch_size=null"]),
        ("validated", ["trainer.monitor=validation_accuracy", "trainer.select=best"]),
        ("weighted", []), ("several", ["ntk=default", "ntk.anchors_per_class=20"]),
    ],
)  # fmt: skip
def test_each_kind_of_labels_is_trained_on(runs_dir, function, options):
    assert train(f"data._target_=mine.{function}", *options) == 0
    (result,) = results(runs_dir)
    assert result["status"] == "complete"
    if function == "several":
        assert result["test_accuracy"] > 0.4  # a share of right labels, where guessing gives a half


def test_tokens_go_to_a_network_of_tokens_and_to_no_other(runs_dir, capsys):
    assert train("data._target_=mine.tokens", "arch=transformer", "width=16") == 0
    assert train("data._target_=mine.tokens", "arch=mlp") == 2
    assert (
        "arch=mlp asks for in_features, which inputs of shape (64,) in data=mine.tokens do not have"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["data._target_=mine.nothing"], "what mine.nothing gives is a NoneType; give (x, y, x_test, y_test)"),
        (["data._target_=mine.torn"], "the training set has 200 inputs and 199 labels"),
        (["data._target_=mine.failing"], "data._target_=mine.failing failed: FileNotFoundError: no such file"),
        (["data._target_=mine.digits", "data.m=3"], "mine.digits has no such argument"),
        (
            ["data._target_=mine.digitz"],
            "there is no 'digitz' in mine; did you mean 'digits'?",
        ),
        (["data._target_=mine.digits", "trainer.monitor=validation_loss"], "needs validation data"),
        ([], "data=own needs data._target_=MODULE.NAME"),
    ],
)
def test_a_wrong_data_function_is_one_sentence_before_anything_runs(runs_dir, capsys, arguments, words):
    assert train(*arguments) == 2
    err = capsys.readouterr().err
    assert words in err and "Traceback" not in err and len(err.strip().splitlines()) == 1
    assert not list(runs_dir.rglob("config.yaml"))


def test_real_targets_with_a_loss_of_classes(runs_dir, capsys):
    assert train("data._target_=mine.targets") == 2
    assert "real targets; use loss=mse" in capsys.readouterr().err


def test_fit_takes_it_too(runs_dir, capsys):
    arguments = ["data=own", "machine=krr_ntk", "tracking=csv", "progress=none"]
    assert code(fit_main, [*arguments, "data._target_=mine.digits"]) == 0
    assert code(fit_main, [*arguments, "data._target_=mine.several"]) == 1
    assert "has several labels a sample, which fit does not know" in capsys.readouterr().err
    assert code(fit_main, [*arguments, "data._target_=mine.tokens"]) == 1
    assert "are whole numbers, of which machine=krr_ntk has no kernel" in capsys.readouterr().err
