"""What a published set of images is: its files with their checksums, its normalization, and where to get it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

Moments = float | tuple[float, ...]


@final
class SourceFailed(Exception):
    """A source could not give the files; the message says why, as the end of a sentence."""


@final
@dataclass(frozen=True)
class KnownFile:
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
class OtherForm:
    """The same bytes in another form under the data folder: its folder there, and what rebuilds the files from it."""

    folder: str
    rebuild: Callable[[Path], dict[str, bytes]]


@final
@dataclass(frozen=True)
class ImageSet:
    """A set of images in files that are known byte for byte.

    Attributes:
        title: The name in messages.
        folder: Where the files lie under the data folder.
        files: All of them, in the order in which they are read.
        shape: Of an image: channels, height, width.
        class_counts: Training and test images of each class together.
        num_test: Test images.
        normalizations: Mean and standard deviation of pixels over 255, one number or one a channel, by the name of the
            paper that has them; the first is the default.
        system_folders: Where a distribution's package puts the files.
        other_forms: From which they are rebuilt without a network.
        sources: Where to fetch from, in the order tried.
    """

    title: str
    folder: str
    files: tuple[KnownFile, ...]
    shape: tuple[int, int, int]
    class_counts: tuple[int, ...]
    num_test: int
    normalizations: Mapping[str, tuple[Moments, Moments]]
    system_folders: tuple[Path, ...] = ()
    other_forms: tuple[OtherForm, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def num_train(self) -> int:
        """Training images."""
        return sum(self.class_counts) - self.num_test

    def moments(self, normalization: str | None) -> tuple[Moments, Moments]:
        """Mean and standard deviation by name, None for the default."""
        name = next(iter(self.normalizations)) if normalization is None else normalization
        return self.normalizations[name]
