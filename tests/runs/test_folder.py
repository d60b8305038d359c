"""What a run folder says of itself, through every way a run can go."""

import json

import numpy as np
import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.runs.folder import RunFolder


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "group" / "lazy-mlp-w8-s0-12345678", "12345678", "lazy-mlp-w8-s0", "group")


def test_the_life_of_a_run(folder):
    assert folder.status() == "new"
    with folder.locked():
        assert folder.status() == "running"
        folder.write_config("width: 8\n")
    assert folder.status() == "interrupted"
    with folder.locked():
        folder.write_failure(RuntimeError("the loss is NaN"), step=7)
    assert folder.status() == "failed"
    with folder.locked():
        assert folder.status() == "running"
        assert not folder.failure.exists()
        folder.write_result({"test_accuracy": 0.5})
        assert folder.status() == "complete"
    assert folder.status() == "complete"
    assert {path.name for path in folder.path.iterdir()} == {"config.yaml", "result.json"}
    with folder.locked():
        folder.clear()
        assert folder.status() == "running"
    assert folder.status() == "new"


def test_clear_takes_away_checkpoints_and_figures_and_leaves_what_it_does_not_know(folder):
    with folder.locked():
        for name in ("checkpoints/last.ckpt", "figures/a.png", "metrics.csv", "kernels.safetensors", "notes.txt"):
            path = folder.path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("x")
        folder.clear()
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]


def test_a_result_comes_back_as_it_was(folder):
    result = {"status": "complete", "epochs": 3, "loss": 0.1 + 0.2, "none": None, "versions": {"torch": "2"}}
    folder.write_result(result)
    assert folder.read_result() == result


def test_numbers_that_json_has_not_are_null_and_named(folder):
    folder.write_result({"a": float("nan"), "b": {"c": -np.inf}, "d": 1.0, "e": [1.0, float("inf")]})
    text = folder.result.read_text()
    assert json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))["a"] is None
    assert folder.read_result() == {
        "status": "complete",
        "a": None,
        "b": {"c": None},
        "d": 1.0,
        "e": [1.0, None],
        "non_finite": ["a", "b.c", "e"],
    }


def test_scalars_of_numpy_and_torch_are_plain_numbers(folder):
    folder.write_result(
        {"i": np.int64(3), "f": np.float32(0.5), "b": np.bool_(True), "t": torch.tensor(0.25), "n": torch.tensor(2)}
    )
    result = folder.read_result()
    assert result == {"status": "complete", "i": 3, "f": 0.5, "b": True, "t": 0.25, "n": 2}
    assert [type(result[key]) for key in "ifbtn"] == [int, float, bool, float, int]


def test_a_result_that_is_missing_or_torn_is_no_result(folder):
    with pytest.raises(LazyRegimeError, match=r"has no result: it is new\. Give its command again"):
        folder.read_result()
    folder.write_config("width: 8\n")
    for text in ("", '{"status": "compl', "[1]", '{"status": "failed"}'):
        folder.result.write_text(text)
        assert folder.status() == "interrupted"
        with pytest.raises(LazyRegimeError, match="interrupted"):
            folder.read_result()


def test_a_failure_says_what_where_and_when(folder):
    try:
        raise LazyRegimeError("The loss is NaN at step 7.")
    except LazyRegimeError as error:
        folder.write_failure(error, step=7)
    failure = json.loads(folder.failure.read_text())
    assert (failure["error"], failure["message"], failure["step"]) == (
        "LazyRegimeError",
        "The loss is NaN at step 7.",
        7,
    )
    assert "test_folder.py" in failure["traceback"] and failure["host"] and failure["time"]


def test_a_run_is_found_by_its_folder(folder):
    with pytest.raises(LazyRegimeError, match=r"no config\.yaml"):
        RunFolder.at(folder.path)
    folder.write_config("width: 8\n")
    assert RunFolder.at(str(folder.path)) == folder
