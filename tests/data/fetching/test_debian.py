"""Debian's package, with apt-get and dpkg-deb played by two small scripts."""

import gzip
import os
from pathlib import Path

import pytest

from lazyregime.data.fetching import debian
from lazyregime.data.fetching.image_set import SourceFailed

# Knows no package until `update` was given a folder of its own for the list.
APT_GET = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
    *Dir::State::Lists=*update) touch "$TMPDIR/state/lists/known" ;;
    *Dir::State::Lists=*download*) [ -e "$TMPDIR/state/lists/known" ] && touch dataset.deb ;;
    *) echo "E: Unable to locate package" >&2; exit 100 ;;
esac
"""
DPKG_DEB = """#!/bin/sh
mkdir -p "$3/usr/share/datasets" && cp -r "$PACKAGE" "$3/usr/share/datasets/fashion-mnist"
"""


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Path:
    """A machine with the two scripts, a log of what apt-get was asked, and the package's contents."""
    (tmp_path / "bin").mkdir()
    for name, script in {"apt-get": APT_GET, "dpkg-deb": DPKG_DEB}.items():
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.gz").write_bytes(gzip.compress(b"content"))
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("PACKAGE", str(tmp_path / "package"))
    return tmp_path


def test_the_package_list_is_fetched_where_there_is_none(machine):
    assert debian.download(("a",), machine / "work") == {"a": b"content"}
    asked = (machine / "log").read_text().splitlines()
    assert [line.split()[-2 if "download" in line else -1] for line in asked] == ["download", "update", "download"]
    assert asked[0].endswith("download dataset-fashion-mnist")


def test_a_package_without_the_file(machine):
    with pytest.raises(SourceFailed, match=r"the package has no b.gz"):
        debian.download(("a", "b"), machine / "work")


def test_a_failing_apt_gives_its_reason(machine):
    (machine / "bin" / "apt-get").write_text("#!/bin/sh\necho 'E: Could not resolve the mirror'\nexit 100\n")
    with pytest.raises(SourceFailed, match=r"^E: Could not resolve the mirror$"):
        debian.download(("a",), machine / "work")


def test_another_system(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceFailed, match="there is no apt-get here"):
        debian.download(("a",), tmp_path)
