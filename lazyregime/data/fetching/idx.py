"""The IDX format: bytes 0, 0, element type, number of axes, each axis as a big-endian 32-bit count, then the elements.

Only the type of unsigned bytes (8) is known here, which is that of MNIST and of every set that copies it.
"""

import math
import struct

import torch
from jaxtyping import UInt8
from torch import Tensor

from lazyregime.errors import LazyRegimeError

_UNSIGNED_BYTE = 8


def parse_idx(content: bytes, *, origin: str) -> UInt8[Tensor, "*shape"]:
    """The array in an IDX file, as its own copy.

    Args:
        content: The whole file, uncompressed.
        origin: Where it came from, for the message of an error.

    Raises:
        LazyRegimeError: If the header is none of an IDX file of unsigned bytes, or the length does not fit it.

    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 255]), origin="example").tolist()
    [7, 255]
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, _UNSIGNED_BYTE]) or content[3] == 0:
        raise LazyRegimeError(
            f"{origin} is not an IDX file of unsigned bytes: it begins with {content[:4].hex() or 'nothing'}, "
            "where 000008 and the number of axes should stand. Replace it by the original file."
        )
    num_axes = content[3]
    header = 4 + 4 * num_axes
    if len(content) < header:
        raise LazyRegimeError(f"{origin} ends inside its header of {header} bytes. Replace it by the original file.")
    shape = struct.unpack(f">{num_axes}I", content[4:header])
    if len(content) != header + math.prod(shape):
        raise LazyRegimeError(
            f"{origin} has {len(content)} bytes, but an IDX file of shape {shape} has {header + math.prod(shape)}. "
            "Replace it by the original file."
        )
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)[header:].reshape(shape)


def encode_idx(shape: tuple[int, ...], elements: bytes) -> bytes:
    """The IDX file with this shape and these elements, the inverse of `parse_idx`."""
    assert len(elements) == math.prod(shape), f"{len(elements)} elements for shape {shape}"
    return struct.pack(f">HBB{len(shape)}I", 0, _UNSIGNED_BYTE, len(shape), *shape) + elements
