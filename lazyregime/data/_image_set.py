"""What an image set in IDX files is: its four files with their checksums, its normalization, and where to get it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final


@final
class SourceFailed(Exception):
    """A source could not give the files; the message says why, as the end of a sentence."""


@final
@dataclass(frozen=True)
class IdxFile:
    """One file of a set: its name, length and md5, uncompressed."""

    name: str
    num_bytes: int
    md5: str

    def fault(self, content: bytes) -> str | None:
        """What is wrong with these bytes as this file, or None."""
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found == self.md5:
            return None
        return f"{len(content)} bytes with md5 {found}, where {self.num_bytes} bytes with md5 {self.md5} are expected"


@final
@dataclass(frozen=True)
class Source:
    """A place to fetch from: its name in messages, and what gets the files, uncompressed, given an empty folder."""

    label: str
    fetch: Callable[[Path], dict[str, bytes]]


@final
@dataclass(frozen=True)
class ImageSet:
    """A set of images in four IDX files.

    Attributes:
        title: The name in messages.
        folder: The name of its folder under the data folder, torchvision's class name.
        files: Training images, training labels, test images, test labels.
        mean: Mean of the training pixels over 255, to four digits, as everybody uses it.
        std: Their standard deviation, likewise.
        system_folders: Where a distribution's package puts the files.
        sources: Where to fetch from, in the order tried.
    """

    title: str
    folder: str
    files: tuple[IdxFile, IdxFile, IdxFile, IdxFile]
    mean: float
    std: float
    system_folders: tuple[Path, ...]
    sources: tuple[Source, ...]
