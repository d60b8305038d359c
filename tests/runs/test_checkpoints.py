"""The last two checkpoints: whatever is damaged, and whenever the writer dies, the newest whole one is found."""

import json
import os
import pickle

import pytest
import torch

from lazyregime.runs.checkpoints import Checkpoints
from lazyregime.runs.checksums import checksum_of_file


@pytest.fixture
def kept(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


def write(kept, content, **more):
    kept.save(lambda path: torch.save({"content": content, **more}, path))


def read(path):
    return torch.load(path, weights_only=True)["content"]


def newest(kept):
    complaints = []
    found = kept.newest(complaints.append)
    return (None if found is None else read(found)), complaints


def test_the_last_two_are_kept(kept):
    assert newest(kept) == (None, [])
    for content in "abc":
        write(kept, content)
        assert newest(kept) == (content, [])
    assert read(kept.previous) == "b"
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
    kept.save(lambda path: path.write_text("a"))
    (kept.folder / "checksums.json").write_text(text)
    assert newest(kept)[0] is None
    write(kept, "b")
    assert newest(kept) == ("b", [])


def archive(path):
    torch.save({"x": torch.arange(200, dtype=torch.uint8)}, path)


def test_checkpoints_without_checksums_are_taken_if_they_are_whole_in_themselves(kept):
    """Of the version before, or of a run whose list was lost with them: an EOFError at every try."""
    kept.folder.mkdir()
    archive(kept.last)
    assert kept.newest(print) == kept.last
    kept.settle()
    assert set(json.loads((kept.folder / "checksums.json").read_text())) == {"last.ckpt"}
    (kept.folder / "checksums.json").unlink()
    whole = kept.last.read_bytes()
    place = whole.index(bytes(range(200))) + 60
    for damaged in (b"", whole[:150], whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]):
        kept.last.write_bytes(damaged)
        told = []
        assert kept.newest(told.append) is None and "last.ckpt is damaged" in told[0]


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


def test_a_pipe_in_the_place_of_a_file_is_waited_for_by_nobody(kept):
    """From which nothing ever comes: the run hung."""
    kept.folder.mkdir()
    os.mkfifo(kept.folder / "checksums.json")
    os.mkfifo(kept.previous)
    archive(kept.last)
    assert kept.newest(print) == kept.last
    assert not kept.is_good(kept.previous)
    with pytest.raises(OSError, match="no file"):
        checksum_of_file(kept.previous)


class Program:
    """What a pickle of it does when it is read."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.mkdir, (self.canary,)


@pytest.mark.parametrize("save", [torch.save, lambda what, path: path.write_bytes(pickle.dumps(what))])
def test_a_checkpoint_that_is_a_program_is_put_aside_whatever_its_checksum(kept, tmp_path, save):
    """With the right checksum it failed the run at every try."""
    canary = tmp_path / "canary"
    write(kept, "a")
    kept.save(lambda path: save(Program(str(canary)), path))
    found, complaints = newest(kept)
    assert found == "a" and "without obeying" in complaints[0] and not canary.exists()


def test_a_checkpoint_of_another_run_is_put_aside(tmp_path):
    mine, other = (Checkpoints(tmp_path / f"x-{name}" / "checkpoints") for name in ("00000001", "00000002"))
    write(mine, "a", run=mine.run)
    write(other, "b", run=other.run)
    assert newest(other) == ("b", [])
    for path in other.folder.iterdir():
        os.replace(path, mine.folder / path.name)
    found, complaints = newest(mine)
    assert found is None and "it is of the run '00000002'" in complaints[0]
