"""The JSON of the dashboard: the status words of `sweeps status`, and of many runs only what is new."""

import json
import math
import os
import time

import pytest
from fake_runs import write_run

from lazyregime.app.console import Console
from lazyregime.app.dashboard import index as index_module
from lazyregime.app.dashboard.detail import detail_of, figure
from lazyregime.app.dashboard.index import RunIndex
from lazyregime.app.dashboard.series import series_of
from lazyregime.app.sweeps.status import states_of
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.lock import lock


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(index_module, "LOOK_SECONDS", 0.0)


def write_unfinished(path, rows=2):
    write_run(path, kernels=False, epochs=rows)
    (path / "result.json").unlink()
    return path


def news(index, told=None):
    return index.since(told["version"] if told else -1, told["token"] if told else "")


def test_every_status_is_that_of_sweeps_status(tmp_path):
    root = tmp_path / "runs"
    write_run(root / "g" / "done-11111111")
    write_unfinished(root / "g" / "stopped-22222222")
    RunFolder.named(write_unfinished(root / "g" / "failed-33333333")).write_failure(
        ValueError("alpha\nis <b>wrong</b>")
    )
    (write_run(root / "g" / "torn-44444444") / "result.json").write_text("{")
    (root / "g" / ".sweeps").mkdir()
    record = {"command": "train", "overrides": ["seed=0,1"], "group": "g", "runs": ["to-be-55555555", "done-11111111"]}
    record |= {"swept": ["seed", "regime", "optimizer.lr"]}
    (root / "g" / ".sweeps" / "abc.json").write_text(json.dumps(record))
    with lock(write_unfinished(root / "g" / "under-way-66666666") / "lock"):
        rows = {row["name"]: row for row in news(RunIndex(root))["rows"]}
        told = {state.folder.path.name: state for state in states_of(root, Console(quiet=True))}
    assert {name: row["status"] for name, row in rows.items()} == {name: s.status for name, s in told.items()}
    assert sorted(row["status"] for row in rows.values()) == [
        "complete", "damaged", "failed", "interrupted", "not started", "running",
    ]  # fmt: skip
    assert rows["failed-33333333"]["note"].startswith("ValueError: alpha is <b>wrong</b>")
    assert "damaged" in rows["torn-44444444"]["note"]
    assert rows["done-11111111"]["swept"] == "seed=0 regime=regular lr=0.001" and not rows["to-be-55555555"]["swept"]
    assert rows["to-be-55555555"]["sweep"] == rows["done-11111111"]["sweep"] == "train seed=0,1"


def test_only_what_is_new_is_told(tmp_path):
    runs = [write_unfinished(tmp_path / "g" / f"run-{i:08x}") for i in range(3)]
    index = RunIndex(tmp_path)
    first = news(index)
    assert first["whole"] and len(first["rows"]) == 3 and not first["unread"]
    second = news(index, first)
    assert second["rows"] == second["gone"] == [] and not second["whole"]
    with (runs[1] / "metrics.csv").open("a") as file:
        file.write("3,30,1.5,0.1,0.9,0.2,0.875,0.001\n")
    third = news(index, second)
    assert [(row["id"], row["done"], row["test_accuracy"]) for row in third["rows"]] == [("g/run-00000001", 2, 0.875)]
    runs[2].rename(tmp_path / "g" / "other-00000002")
    fourth = news(index, third)
    assert fourth["gone"] == ["g/run-00000002"] and [row["id"] for row in fourth["rows"]] == ["g/other-00000002"]
    assert news(RunIndex(tmp_path), fourth)["whole"], "a server that was started anew knows nothing of those versions"


def test_a_process_that_was_killed_changes_no_file_and_is_seen(tmp_path):
    run = write_unfinished(tmp_path / "g" / "run-00000000")
    index = RunIndex(tmp_path)
    with lock(run / "lock"):
        told = news(index)
        os.link(run / "lock", tmp_path / "kept")
        assert [row["status"] for row in told["rows"]] == ["running"]
        assert told["rows"][0]["of"] == 5 and math.isclose(told["rows"][0]["left"], 18.2 / 1 * 4, rel_tol=0.01)
    os.link(tmp_path / "kept", run / "lock")  # as kill -9 leaves it
    assert [row["status"] for row in news(index, told)["rows"]] == ["interrupted"]


def test_what_takes_long_comes_in_parts_the_youngest_first(tmp_path, monkeypatch):
    monkeypatch.setattr(index_module, "READ_SECONDS", 0.0)
    for i in range(3):
        os.utime(write_run(tmp_path / f"run-{i:08x}", kernels=False) / "metrics.csv", (0, time.time() + i))
    index = RunIndex(tmp_path)
    parts = [news(index)]
    while parts[-1]["unread"]:
        parts.append(news(index, parts[-1]))
    assert [[row["id"] for row in part["rows"]] for part in parts] == [[f"run-{i:08x}"] for i in (2, 1, 0)]


def test_curves_have_both_ends_and_no_gaps(tmp_path):
    run = write_run(tmp_path / "run", epochs=4, kernel_alignment_init=0.25, kernel_alignment_final=0.5)
    lines = (run / "metrics.csv").read_text().splitlines()
    told = ["", "", "0.3", ""]
    rows = [f"{line},{value}" for line, value in zip(lines[1:], told, strict=True)]
    (run / "metrics.csv").write_text("\n".join([f"{lines[0]},kernel_alignment", *rows, ""]))
    found = series_of(run)
    assert found["axis"] == "epoch" and found["curves"]["kernel_alignment"] == [[1, 0.25], [3, 0.3], [4, 0.5]]
    assert [x for x, _ in found["curves"]["test_loss"]] == [1, 2, 3, 4]
    chosen = write_run(tmp_path / "chosen", epochs=4, selected_epoch=2)
    assert series_of(chosen)["curves"]["kernel_alignment"] == [[1, 0.11], [2, 0.64]]


def test_a_long_curve_is_thinned_and_keeps_its_ends(tmp_path):
    run = write_run(tmp_path / "run", epochs=5000)
    curve = series_of(run)["curves"]["train_loss"]
    assert len(curve) == 400 and curve[0][0] == 1 and curve[-1][0] == 5000


HOSTILE = '</script><img src=x onerror="alert(1)">\u202e\x1b[31m'


def test_hostile_folders_give_clean_json(tmp_path):
    run = write_run(tmp_path / "g" / "run-00000000", name=HOSTILE, verdict=HOSTILE, test_accuracy=1e999)
    write_run(tmp_path / "g" / "<b>x-00000001", width="wide", seed=[1, {"a": 2}], kernels=False)
    (tmp_path / "g" / "pipe-00000002").mkdir()
    for name in ("metrics.csv", "config.yaml", "lock", "result.json"):
        os.mkfifo(tmp_path / "g" / "pipe-00000002" / name)
    (run / "metrics.csv").write_bytes(b"epoch,\xff,test_loss\n1,2,nan\n2,inf,-inf\n\x00\n")
    (tmp_path / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\n secret")
    (run / "figures").mkdir()
    (run / "figures" / "link.png").symlink_to(tmp_path / "secret.png")
    (run / "figures" / "script.png").write_text("<script>alert(1)</script>")
    (run / "figures" / "summary.png").write_bytes(b"\x89PNG\r\n\x1a\n mine")
    told = news(RunIndex(tmp_path))
    parts = [series_of(tmp_path / row["id"]) for row in told["rows"]] + [
        detail_of(tmp_path / r["id"]) for r in told["rows"]
    ]
    text = json.dumps([told, parts], allow_nan=False, ensure_ascii=False)
    assert len(told["rows"]) == 3 and "\u202e" not in text and "\\u001b" not in text
    assert figure(run, "summary.png") == b"\x89PNG\r\n\x1a\n mine"
    names = ("link.png", "script.png", "../../../secret.png", "summary.png/../../../../secret.png", "", ".", "\x00.png")
    assert all(figure(run, name) is None for name in names)
