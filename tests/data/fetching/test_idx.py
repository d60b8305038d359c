"""IDX files against bytes written by hand."""

import doctest

import pytest
import torch

from lazyregime.data.fetching import idx
from lazyregime.data.fetching.idx import encode_idx, parse_idx
from lazyregime.errors import LazyRegimeError

HAND_BUILT = bytes([0, 0, 8, 2]) + bytes([0, 0, 0, 2]) + bytes([0, 0, 0, 3]) + bytes([0, 1, 127, 128, 254, 255])


def test_parse_by_hand():
    parsed = parse_idx(HAND_BUILT, origin="x")
    assert parsed.dtype == torch.uint8
    assert parsed.tolist() == [[0, 1, 127], [128, 254, 255]]


def test_counts_are_big_endian():
    assert parse_idx(bytes([0, 0, 8, 1, 0, 0, 1, 2]) + bytes(258), origin="x").shape == (258,)


def test_encode_by_hand():
    assert encode_idx((2, 3), bytes([0, 1, 127, 128, 254, 255])) == HAND_BUILT


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "begins with nothing"),
        (b"\x1f\x8b\x08\x00", "begins with 1f8b0800"),
        (bytes([0, 0, 13, 1, 0, 0, 0, 0]), "begins with 00000d01"),
        (HAND_BUILT[:9], "ends inside its header of 12 bytes"),
        (HAND_BUILT[:-1], r"has 17 bytes, but an IDX file of shape \(2, 3\) has 18"),
        (HAND_BUILT + b"x", "has 19 bytes"),
    ],
)
def test_what_is_no_idx_file_is_refused(content: bytes, says: str):
    with pytest.raises(LazyRegimeError, match=f"^some/file .*{says}.* Replace it by the original file.$"):
        parse_idx(content, origin="some/file")


def test_examples_in_docstrings():
    failed, attempted = doctest.testmod(idx)
    assert (failed, attempted > 0) == (0, True)
