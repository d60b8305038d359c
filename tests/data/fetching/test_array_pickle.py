"""Pickles give arrays in plain containers and nothing else, whoever wrote them."""

import io
import os
import pickle

import numpy as np
import pytest

from lazyregime.data.fetching.array_pickle import load_arrays
from lazyregime.data.fetching.image_set import SourceFailed

CONTENT = {"data": np.arange(12, dtype=np.uint8).reshape(3, 4), "labels": [3, 1, 2], "note": b"\xff\x00"}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_are_read_in_every_protocol(protocol):
    given = load_arrays(io.BytesIO(pickle.dumps(CONTENT, protocol)))
    np.testing.assert_array_equal(given.pop("data"), CONTENT["data"])
    assert given == {"labels": [3, 1, 2], "note": b"\xff\x00"}


class Malicious:
    """A pickle that runs a command when it is loaded by an ordinary unpickler."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("was-here",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_malicious_pickle_is_refused(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceFailed, match=r"it asks for \w+\.mkdir, which is no array"):
        load_arrays(io.BytesIO(pickle.dumps(Malicious(), protocol)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [b"builtins\neval", b"builtins\ngetattr", b"numpy\nload", b"numpy\nndarray.tofile"])
def test_no_other_global_is_given(name):
    with pytest.raises(SourceFailed, match="which is no array"):
        load_arrays(io.BytesIO(b"\x80\x04c" + name + b"\n."))


@pytest.mark.parametrize("damaged", [b"", b"no pickle", pickle.dumps(CONTENT)[:-20], b"\x80\x04]K\x01\x85R."])
def test_what_is_damaged_is_told(damaged):
    with pytest.raises(SourceFailed, match="its pickle cannot be read"):
        load_arrays(io.BytesIO(damaged))


def test_no_codec_but_that_of_bytes():
    with pytest.raises(SourceFailed, match="asks for the encoding zip"):
        load_arrays(io.BytesIO(b"c_codecs\nencode\n(Vx\nVzip\ntR."))
