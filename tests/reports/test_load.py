"""Whatever state a run was left in, it is one row, and the row says why it is not complete."""

import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_runs import write_run

from lazyregime.errors import LazyRegimeError
from lazyregime.reports import load_runs
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.lock import Holder, lock
from lazyregime.runs.status import Status


def folder(path: Path, **files: str) -> Path:
    """A folder with these files (`result_json="…"` is result.json)."""
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)
    return path


def only(path: Path) -> "pd.Series":
    runs = load_runs(path)
    assert len(runs) == 1
    return runs.iloc[0]


def test_a_complete_run_has_its_scalars_and_its_configuration(tmp_path: Path) -> None:
    run = only(write_run(tmp_path / "mnist" / "regular-mlp-w1024-s0-abc123", kernels=False, test_accuracy=0.9812))
    assert (run.status, run.reason) == ("complete", "")
    assert (run.test_accuracy, run.width, run.regime, run.arch) == (0.9812, 1024, "regular", "mlp")
    assert run["config.arch.depth"] == 3
    assert run["config.optimizer.lr"] == 0.001
    assert run["versions.torch"] == "2.13.0"
    assert run.path == str(tmp_path / "mnist" / "regular-mlp-w1024-s0-abc123")


def test_runs_are_found_at_any_depth_and_once(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a" / "one-1", kernels=False)
    write_run(tmp_path / "a" / "deep" / "two-2", kernels=False, seed=1)
    write_run(tmp_path / "b" / "three-3", kernels=False, seed=2)
    folder(tmp_path / "a" / "wandb" / "files", config_yaml="a: 1")
    (first / "checkpoints").mkdir()
    assert len(load_runs(tmp_path)) == 3
    assert len(load_runs([tmp_path, first, str(tmp_path / "b")])) == 3
    assert sorted(load_runs([tmp_path / "b", first]).seed) == [0, 2]


@pytest.mark.parametrize(
    ("files", "status", "reason"),
    [
        ({"config_yaml": "width: 8"}, "interrupted", "no epoch finished yet"),
        ({"config_yaml": "width: 8", "metrics_csv": "epoch,step\n0,0\n1,9\n2,1"}, "interrupted", "1 epoch finished"),
        ({"config_yaml": "width: 8", "metrics_csv": "epo"}, "interrupted", "no epoch finished yet"),
        (
            {"config_yaml": "width: 8", "result_json": '{"status": "comp'},
            "damaged",
            "is damaged (Unterminated",
        ),
        ({"config_yaml": "width: 8", "result_json": "[1]"}, "damaged", "it holds no object"),
        (
            {"config_yaml": "width: 8", "result_json": '{"status": "complete"}'},
            "damaged",
            "it does not say its name",
        ),
        ({"config_yaml": "width: [", "metrics_csv": "epoch\n"}, "interrupted", "config.yaml cannot be read"),
        ({"config_yaml": "width: 8", "metrics_csv": "\0\0,\n\1\n"}, "interrupted", "no epoch finished yet"),
        ({"metrics_csv": "epoch,step\n1,2\n"}, "interrupted", "config.yaml is missing; 1 epoch finished"),
        ({"failure_json": '{"error": "NaN", "message": "at step 7"}'}, "failed", "NaN: at step 7"),
        ({"failure_json": "{"}, "failed", "failure.json cannot be read"),
        ({"failure_json": "{}"}, "failed", "failure.json gives no reason"),
        ({"lock": ""}, "not started", "config.yaml is missing"),
    ],
)
def test_a_broken_run_is_listed_with_its_reason(
    tmp_path: Path, files: dict[str, str], status: str, reason: str
) -> None:
    run = only(folder(tmp_path / "run-1", **files))
    assert run.status == status
    assert reason in run.reason


def test_a_folder_that_cannot_be_looked_into_is_listed_with_that_reason(tmp_path: Path, monkeypatch) -> None:
    """As those of other people's processes in /proc; the report says it, and goes on with the others."""
    write_run(tmp_path / "one")
    folder(tmp_path / "closed", config_yaml="")

    def status(self: RunFolder) -> Status:
        if self.path.name == "closed":
            raise PermissionError(13, "Permission denied", str(self.path / "rerun"))
        return Status.complete

    monkeypatch.setattr(RunFolder, "status", status)
    closed, one = (row for _, row in load_runs(tmp_path).sort_values("path").iterrows())
    assert (closed.status, one.status) == ("damaged", "complete")
    assert closed.reason.startswith("the folder cannot be looked into ([Errno 13] Permission denied")


def test_an_unfinished_run_still_says_what_it_is(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run-1", kernels=False, regime="lazy", width=2048, seed=3)
    (path / "result.json").unlink()
    run = only(path)
    assert run.status == "interrupted"
    assert (run.regime, run.arch, run.width, run.seed, run.data) == ("lazy", "mlp", 2048, 3, "mnist")
    assert np.isnan(run.test_accuracy)


def test_a_lock_counts_as_long_as_its_writer_lives(tmp_path: Path) -> None:
    path = folder(tmp_path / "run-1", config_yaml="width: 8", failure_json='{"error": "Before"}')
    with lock(path / "lock"):
        assert only(path).status == "running"
    assert only(path).status == "failed"

    def status(age: float = 0.0, **owner: object) -> str:
        (path / "lock").write_text(json.dumps(asdict(Holder.this_process("train")) | owner))
        os.utime(path / "lock", (time.time() - age,) * 2)
        return only(path).status

    assert status(pid=2**22 + 1) == "failed"  # above the largest process id
    assert status(host="elsewhere", pid=1) == "running"
    assert status(host="elsewhere", pid=1, age=3600) == "failed"


def test_numbers_stay_numbers_beside_unfinished_runs(tmp_path: Path) -> None:
    write_run(tmp_path / "one-1", kernels=False)
    folder(tmp_path / "two-2", config_yaml="width: 512")
    runs = load_runs(tmp_path)
    assert runs.test_accuracy.dtype == np.float64
    assert sorted(runs.width) == [512, 1024]


@pytest.mark.parametrize("given", ["nowhere", "empty", "file", "none"])
def test_a_path_without_runs_is_one_clear_sentence(tmp_path: Path, given: str) -> None:
    (tmp_path / "empty" / "inside").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    expected = {"nowhere": "does not exist", "empty": "holds no run", "file": "is a file", "none": "at least one"}[
        given
    ]
    with pytest.raises(LazyRegimeError, match=expected):
        load_runs([] if given == "none" else tmp_path / given)
