"""A small image set with everything that the real ones have: 60 training and 20 test images, all in one folder."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from lazyregime.data.fetching.idx import encode_idx
from lazyregime.data.fetching.image_set import ImageSet, KnownFile, Source, SourceFailed

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True)
class TinySet:
    """The set, the right bytes of its files, and a place to count what the sources were asked."""

    contents: dict[str, bytes]
    asked: list[str]

    def image_set(self, *sources: Source) -> ImageSet:
        a, b, c, d = (KnownFile(name, len(x), hashlib.md5(x).hexdigest()) for name, x in self.contents.items())
        labels = torch.tensor([*self.contents[NAMES[1]][8:], *self.contents[NAMES[3]][8:]])
        return ImageSet(
            "Tiny", "Tiny/raw", (a, b, c, d), (1, 28, 28), tuple(labels.bincount(minlength=10).tolist()), 20,
            {"poster": (0.1307, 0.3081), "pixels": (0.0, 1.0)}, sources=sources,
        )  # fmt: skip

    def good(self, label: str = "a good source") -> Source:
        def fetch(folder: Path) -> dict[str, bytes]:
            self.asked.append(label)
            return dict(self.contents)

        return Source(label, fetch)

    def failing(self, label: str, reason: str) -> Source:
        def fetch(folder: Path) -> dict[str, bytes]:
            self.asked.append(label)
            raise SourceFailed(reason)

        return Source(label, fetch)

    def lay_out(self, data_dir: Path) -> Path:
        home = data_dir / "Tiny" / "raw"
        home.mkdir(parents=True)
        for name, content in self.contents.items():
            (home / name).write_bytes(content)
        return home


@pytest.fixture
def tiny() -> TinySet:
    generator = torch.Generator().manual_seed(0)

    def numbers(shape: tuple[int, ...], high: int) -> bytes:
        return encode_idx(shape, torch.randint(high, shape, generator=generator, dtype=torch.uint8).numpy().tobytes())

    contents = (numbers((60, 28, 28), 256), numbers((60,), 10), numbers((20, 28, 28), 256), numbers((20,), 10))
    return TinySet(dict(zip(NAMES, contents, strict=True)), [])
