"""What is at hand is used, what is broken never is, sources are tried in order, and every failure is a sentence."""

import gzip
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lazyregime.data.fetching.command import run_command
from lazyregime.data.fetching.image_set import Source
from lazyregime.data.fetching.obtain import obtain
from lazyregime.errors import LazyRegimeError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def test_files_at_hand_need_no_source(tiny, tmp_path):
    tiny.lay_out(tmp_path)
    image_set = tiny.image_set(tiny.good())
    assert obtain(image_set, tmp_path, offline=False) == list(tiny.contents.values())
    assert tiny.asked == []


def test_files_at_hand_may_be_gz(tiny, tmp_path):
    home = tiny.lay_out(tmp_path)
    for name, content in tiny.contents.items():
        (home / name).unlink()
        (home / f"{name}.gz").write_bytes(gzip.compress(content))
    assert obtain(tiny.image_set(), tmp_path, offline=True) == list(tiny.contents.values())


def test_files_of_the_distribution_are_at_hand(tiny, tmp_path):
    package = tmp_path / "usr"
    package.mkdir()
    for name, content in tiny.contents.items():
        (package / f"{name}.gz").write_bytes(gzip.compress(content))
    image_set = replace(tiny.image_set(), system_folders=(package,))
    assert obtain(image_set, tmp_path / "data", offline=True) == list(tiny.contents.values())
    assert not (tmp_path / "data").exists()


def test_what_is_fetched_is_kept_for_a_run_without_a_network(tiny, tmp_path):
    said: list[str] = []
    image_set = tiny.image_set(tiny.good())
    fetched = obtain(image_set, tmp_path / "new" / "data", offline=False, log=said.append)
    assert said[-2:] == ["fetching Tiny from a good source", f"Tiny is in {tmp_path / 'new/data/Tiny/raw'}"]
    assert obtain(image_set, tmp_path / "new" / "data", offline=True) == fetched == list(tiny.contents.values())
    kept = {path.name for path in (tmp_path / "new/data/Tiny/raw").iterdir()}
    assert kept == {*tiny.contents, ".lock"}


def test_sources_are_tried_in_order_and_only_until_one_is_good(tiny, tmp_path):
    def another(folder: Path) -> dict[str, bytes]:
        tiny.asked.append("another")
        return {**tiny.contents, LABELS: tiny.contents[LABELS][:-1] + b"\x0b"}

    def full(folder: Path) -> dict[str, bytes]:
        tiny.asked.append("full")
        raise OSError(28, "No space left on device")

    said: list[str] = []
    sources = (tiny.failing("first", "it is closed"), Source("another", another), Source("full", full))
    image_set = tiny.image_set(*sources, tiny.good("fourth"), tiny.good("fifth"))
    assert obtain(image_set, tmp_path, offline=False, log=said.append) == list(tiny.contents.values())
    assert tiny.asked == ["first", "another", "full", "fourth"]
    assert "first: it is closed" in said
    assert any(line.startswith(f"another: its {LABELS} is another: 68 bytes with md5") for line in said)
    assert "full: [Errno 28] No space left on device" in said


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],  # truncated
        lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],  # one bit
        lambda content: b"",
    ],
    ids=["truncated", "one bit", "empty"],
)
def test_a_broken_file_is_never_used(tiny, tmp_path, damage):
    home = tiny.lay_out(tmp_path)
    (home / IMAGES).write_bytes(damage(tiny.contents[IMAGES]))
    with pytest.raises(LazyRegimeError) as caught:
        obtain(tiny.image_set(), tmp_path, offline=True)
    file = tiny.image_set().files[0]
    sentence = str(caught.value)
    assert str(home / IMAGES) in sentence
    assert f"where {file.num_bytes} bytes with md5 {file.md5} are expected" in sentence
    assert "offline=True forbids fetching" in sentence
    assert f"into {home}" in sentence
    assert obtain(tiny.image_set(tiny.good()), tmp_path, offline=False) == list(tiny.contents.values())
    assert (home / IMAGES).read_bytes() == tiny.contents[IMAGES]


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"x" * 1000)[:-9]], ids=["no gzip", "truncated"])
def test_a_broken_gz_file_is_never_used(tiny, tmp_path, content):
    home = tiny.lay_out(tmp_path)
    (home / LABELS).unlink()
    (home / f"{LABELS}.gz").write_bytes(content)
    with pytest.raises(LazyRegimeError, match=f"{LABELS}.gz cannot be read"):
        obtain(tiny.image_set(), tmp_path, offline=True)


def test_a_broken_file_beside_a_good_one_does_no_harm(tiny, tmp_path):
    home = tiny.lay_out(tmp_path)
    (home / f"{LABELS}.gz").write_bytes(gzip.compress(tiny.contents[LABELS]))
    (home / LABELS).write_bytes(b"broken")
    assert obtain(tiny.image_set(), tmp_path, offline=True) == list(tiny.contents.values())


def test_nothing_at_hand_and_offline(tiny, tmp_path):
    with pytest.raises(
        LazyRegimeError, match=r"^Tiny is not in .*raw; and offline=True forbids fetching. Run once with"
    ):
        obtain(tiny.image_set(tiny.good()), tmp_path, offline=True)
    assert tiny.asked == []


def test_the_missing_file_is_named(tiny, tmp_path):
    (tiny.lay_out(tmp_path) / LABELS).unlink()
    with pytest.raises(LazyRegimeError, match=f"^Tiny's {LABELS} is not in "):
        obtain(tiny.image_set(), tmp_path, offline=True)


def test_no_network_is_one_sentence_that_lists_what_was_tried(tiny, tmp_path):
    image_set = tiny.image_set(tiny.failing("mirror", "Name not known"), tiny.failing("registry", "there is no pip"))
    with pytest.raises(LazyRegimeError) as caught:
        obtain(image_set, tmp_path, offline=False)
    home = tmp_path / "Tiny" / "raw"
    assert str(caught.value) == (
        f"Tiny is not in {home}; and fetching failed (mirror: Name not known; registry: there is no pip). "
        f"Run once with a network, or put {', '.join(tiny.contents)} (as they are or as .gz) into {home}, "
        "in the place of any broken ones."
    )


def test_a_folder_that_cannot_be_written(tiny, tmp_path):
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(LazyRegimeError, match=r"Tiny cannot be kept in .*: Not a directory\). Give a data_dir"):
        obtain(tiny.image_set(tiny.good()), tmp_path / "data", offline=False)
    assert tiny.asked == []


def test_a_relative_folder_serves_a_source_that_runs_elsewhere(tiny, tmp_path, monkeypatch):
    def by_command(folder: Path) -> dict[str, bytes]:
        write = f"import pathlib; pathlib.Path({str(folder)!r}, 'brought').write_text('here')"
        run_command([sys.executable, "-c", write], folder=folder)
        assert (folder / "brought").read_text() == "here"
        return tiny.contents

    monkeypatch.chdir(tmp_path)
    image_set = tiny.image_set(Source("a command", by_command))
    assert obtain(image_set, Path("data"), offline=False) == list(tiny.contents.values())
