"""The last two checkpoints: whatever is damaged, and whenever the writer dies, the newest whole one is found."""

import json
import os

import pytest

from lazyregime.runs.checkpoints import Checkpoints


@pytest.fixture
def kept(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


def write(kept, content):
    kept.save(lambda path: path.write_text(content))


def newest(kept):
    complaints = []
    found = kept.newest(complaints.append)
    return (None if found is None else found.read_text()), complaints


def test_the_last_two_are_kept(kept):
    assert newest(kept) == (None, [])
    for content in "abc":
        write(kept, content)
        assert newest(kept) == (content, [])
    assert kept.previous.read_text() == "b"
    assert {path.name for path in kept.folder.iterdir()} == {"last.ckpt", "previous.ckpt", "checksums.json"}


@pytest.mark.parametrize("damage", ["", "x", "cc", "flip", None, "folder"])
def test_a_damaged_last_one_is_put_aside_and_the_one_before_is_taken(kept, damage):
    for content in ("a", "b", "c"):
        write(kept, content)
    kept.last.unlink()
    if damage == "folder":
        kept.last.mkdir()
    elif damage is not None:
        kept.last.write_text(damage)
    found, complaints = newest(kept)
    assert found == "b"
    if damage is not None:
        assert len(complaints) == 1 and str(kept.last) in complaints[0]
    write(kept, "d")
    assert newest(kept) == ("d", [])


def test_both_damaged_is_none(kept):
    write(kept, "a")
    write(kept, "b")
    kept.last.write_text("?")
    kept.previous.write_text("?")
    found, complaints = newest(kept)
    assert found is None and len(complaints) == 2
    write(kept, "c")
    assert newest(kept) == ("c", [])


@pytest.mark.parametrize("text", ["", "[]", "{", '{"last.ckpt": 3}', "\x00"])
def test_damaged_checksums_vouch_for_nothing(kept, text):
    write(kept, "a")
    (kept.folder / "checksums.json").write_text(text)
    assert newest(kept)[0] is None
    write(kept, "b")
    assert newest(kept) == ("b", [])


def test_checkpoints_of_the_version_before_are_taken_as_they_are(kept):
    kept.folder.mkdir()
    kept.last.write_text("old")
    assert newest(kept) == ("old", [])
    write(kept, "new")
    kept.last.write_text("?")
    assert newest(kept)[0] == "old"


def test_a_writer_that_dies_between_any_two_steps_damages_nothing(kept, monkeypatch):
    write(kept, "a")
    write(kept, "b")
    original = os.replace
    for step in range(4):
        calls = 0

        def dies(source, target, step=step):
            nonlocal calls
            if calls == step:
                raise KeyboardInterrupt
            calls += 1
            original(source, target)

        monkeypatch.setattr(os, "replace", dies)
        try:
            write(kept, f"new{step}")
        except KeyboardInterrupt:
            assert step < 3
        monkeypatch.setattr(os, "replace", original)
        found, complaints = newest(kept)
        assert not complaints and found in ("b", f"new{step}", "new3")


def test_settled_only_the_newest_is_left(kept):
    write(kept, "a")
    write(kept, "b")
    kept.save_best(lambda path: path.write_text("best"))
    kept.settle()
    assert {path.name for path in kept.folder.iterdir()} == {"last.ckpt", "best.ckpt", "checksums.json"}
    assert kept.is_good(kept.best) and newest(kept) == ("b", [])
    assert set(json.loads((kept.folder / "checksums.json").read_text())) >= {"best.ckpt", "last.ckpt"}


@pytest.mark.parametrize("inside", [True, False])
def test_a_folder_in_the_place_of_a_checkpoint_is_put_aside_and_in_nobodys_way(tmp_path, inside):
    """It was an error at the end of the run, at every try."""
    kept = Checkpoints(tmp_path)
    kept.previous.mkdir()
    if inside:
        (kept.previous / "yours").write_text("x")
    told: list[str] = []
    assert kept.newest(told.append) is None and "previous.ckpt" in told[0]
    kept.settle()
    assert (tmp_path / "previous.damaged").exists() == inside
