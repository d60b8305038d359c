"""What a run folder says of itself, through every way a run can go."""

import json
import os
import shutil

import pytest
from results import train_result

from lazyregime.errors import LazyRegimeError
from lazyregime.runs.checksums import checksum_of_object
from lazyregime.runs.folder import RunFolder


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "group" / "lazy-mlp-w8-s0-12345678", "12345678", "lazy-mlp-w8-s0", "group")


def test_the_life_of_a_run(folder):
    assert folder.status() == "not started"
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
        folder.write_result(train_result(test_accuracy=0.5))
        assert folder.status() == "complete"
    assert folder.status() == "complete"
    assert {path.name for path in folder.path.iterdir()} == {"config.yaml", "result.json"}
    with folder.locked():
        folder.clear()
        assert folder.status() == "running"
    assert folder.status() == "not started"


def test_clear_takes_away_checkpoints_and_figures_and_leaves_what_it_does_not_know(folder):
    with folder.locked():
        for name in ("checkpoints/last.ckpt", "figures/a.png", "metrics.csv", "kernels.safetensors", "notes.txt"):
            path = folder.path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("x")
        folder.clear()
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_in_the_place_of_a_file_is_waited_for_by_nobody(folder, make):
    folder.path.mkdir(parents=True)
    make(folder.lock)
    folder.write_config("width: 8\n")
    assert folder.status() == "interrupted"
    make(folder.result)
    assert folder.status() == "damaged"


def test_a_result_that_is_missing_or_torn_is_no_result(folder):
    with pytest.raises(LazyRegimeError, match=r"has no result: it is not started\. Give its command again"):
        folder.read_result()
    folder.write_config("width: 8\n")
    nested = "[" * 100_000
    for text in ("", '{"status": "compl', "[1]", '{"status": "failed"}', '{"status": "complete"}', nested, "\x00"):
        folder.result.write_text(text)
        assert folder.status() == "damaged"
        with pytest.raises(LazyRegimeError, match=r"result\.json is damaged \(.+\)\. Give its command again"):
            folder.read_result()


def test_a_result_that_was_changed_afterwards_is_damaged(folder):
    folder.write_result(train_result(test_accuracy=0.5))
    text = folder.result.read_text()
    for changed in (text.replace("0.5", "0.6"), text.replace("12345678", "12345679"), text.replace('"sha256"', '"x"')):
        assert changed != text
        folder.result.write_text(changed)
        assert folder.status() == "damaged"
    folder.result.write_text(text)
    assert folder.status() == "complete"


def test_each_file_has_a_checksum_and_a_damaged_one_is_named(folder):
    files = [folder.config, folder.metrics, folder.kernels, folder.checkpoints / "last.ckpt", folder.figures / "a.png"]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(1000))
    result = folder.write_result(train_result())
    files.append(folder.checkpoints / "checksums.json")  # made where there was none
    assert len(result.checksums) == 6 and folder.read_result() == result and folder.damaged_files() == []
    for path in files:
        for content in (bytes(999), bytes(999) + b"\x01", bytes(1001), b""):
            path.write_bytes(content)
            assert folder.damaged_files() == [path]
        path.unlink()
        assert folder.damaged_files() == [path]
        path.mkdir()
        assert folder.damaged_files() == [path]
        path.rmdir()
        path.write_bytes(bytes(1000))


def test_a_run_asked_again_is_cleared_once_and_complete_only_when_it_is_done(folder):
    folder.write_config("width: 8\n")
    folder.write_result(train_result())
    folder.ask_again()
    assert folder.status() == "interrupted"
    with folder.locked():
        folder.begin()
        assert not folder.result.exists() and folder.is_asked_again
        folder.write_config("width: 9\n")
    with folder.locked():  # interrupted, and gone on with
        folder.begin()
        assert folder.config.exists()
        folder.write_result(train_result())
    assert folder.status() == "complete" and not folder.is_asked_again


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


def test_a_lock_that_a_killed_process_left_in_a_complete_run_goes(folder, tmp_path):
    """Killed between its result and the end of its lock: the same command takes it away, and disturbs nobody."""
    folder.lock.parent.mkdir(parents=True, exist_ok=True)
    folder.lock.write_text("{}")
    folder.tidy()
    assert not folder.lock.exists()
    with folder.locked():
        folder.tidy()
        assert folder.lock.exists()


def test_a_folder_that_was_taken_away_while_its_run_was_at_work_is_not_called_complete(folder):
    with folder.locked():
        folder.write_config("width: 8\n")
        folder.check_there()
        shutil.rmtree(folder.path)
        with pytest.raises(LazyRegimeError, match="taken away"):
            folder.check_there()


@pytest.mark.parametrize(
    "name", ["../../precious", "{}", "/precious", "checkpoints/../../x", "other/x", "figures/..", ""]
)
def test_a_result_that_speaks_of_files_elsewhere_is_none(folder, tmp_path, name):
    """Its run would be made again without them: they were deleted."""
    name = name.format(tmp_path / "precious")
    with folder.locked():
        folder.write_config("width: 8\n")
        content = {"status": "complete", **train_result().with_checksums({name: "0"}).flat}
        folder.result.write_text(json.dumps(content | {"sha256": checksum_of_object(content)}))
    assert folder.status() == "damaged" and folder.damaged_files() == [folder.result]
