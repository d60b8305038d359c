"""A kernel in a NumPy file: room for it is taken first; a block that is on disk is noted with its checksum."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from lazyregime.atomic import atomic_write, replacing
from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._identity import Identity, differences

_RUN = 1 << 24  # bytes of the file that are read at once for a checksum


class NotInProgress(LazyRegimeError):
    """What lies at a path is not a part of the kernel that is asked for; the message says what to do."""


@final
class StoredKernel:
    """The file `path`, and beside it a folder `path.blocks` that says what it is and which blocks are done.

    Args:
        path: Where; its folder is made where it is missing.
        shape: Of the kernel.
        dtype: Of the kernel; one that NumPy knows.

    Raises:
        LazyRegimeError: If the path cannot be one of a kernel, or NumPy has no such dtype.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        if dtype == torch.bfloat16:
            raise LazyRegimeError(
                "NumPy files have no bfloat16, so this kernel cannot be stored; give accumulate=torch.float32."
            )
        if path.is_dir() or path.name in ("", "..", "."):
            raise LazyRegimeError(f"{path} is a folder; path is that of a file, e.g. {path / 'kernel.npy'}.")
        self.path, self.marks = path, path.with_name(path.name + ".blocks")
        self.shape, self.dtype = shape, torch.empty(0, dtype=dtype).numpy().dtype
        self.values: Any = None

    def create(self, asked: Identity) -> None:
        """Make the file, or see that it is of the same kernel.

        Raises:
            NotInProgress: If it is of another one.
            LazyRegimeError: If there is no room for it.
        """
        request = self.marks / "request.json"
        with _writing(self.path):
            if request.exists():
                self._compare(request, asked)
            elif self.path.exists():
                raise NotInProgress(
                    f"{self.path} exists and is no kernel in progress; delete it or choose another path."
                )
            else:
                atomic_write(request, json.dumps(asked))
            if not self._is_whole():
                self._allocate()

    def _compare(self, request: Path, asked: Identity) -> None:
        cure = f"delete it and the folder {self.marks}, or choose another path."
        try:
            known = json.loads(request.read_text())
        except (ValueError, RecursionError) as error:
            raise NotInProgress(f"{request}, which says what kernel {self.path} is of, is damaged; {cure}") from error
        if differing := differences(known, asked):
            raise NotInProgress(f"{self.path} holds blocks of another kernel (other {', '.join(differing)}); {cure}")

    def _is_whole(self) -> bool:
        """Whether the file is there in its full length, with its own header."""
        try:
            found = np.load(self.path, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return False
        return found.shape == self.shape and found.dtype == self.dtype and found.flags.c_contiguous

    def _allocate(self) -> None:
        """An empty file whose room on the disk is taken, with what there was of a cut one."""
        with replacing(self.path) as part:
            values = np.lib.format.open_memmap(part, mode="w+", dtype=self.dtype, shape=self.shape)
            start = int(values.offset)
            del values
            with part.open("r+b") as file:
                _take_room(file.fileno(), part.stat().st_size)
                if self.path.exists() and self.path.stat().st_size > start:
                    with self.path.open("rb") as old:
                        old.seek(start)
                        file.seek(start)
                        left = part.stat().st_size - start
                        while left and (piece := old.read(min(_RUN, left))):
                            left -= file.write(piece)

    def open(self) -> None:
        """Map the file, for writing."""
        with _writing(self.path):
            self.values = np.lib.format.open_memmap(self.path, mode="r+")

    def has(self, index: int, parts: list[tuple[slice, slice]]) -> bool:
        """Whether a block was finished, perhaps by an earlier process, and is as it was."""
        try:
            return (self.marks / str(index)).read_text() == self._checksum(parts)
        except (OSError, UnicodeDecodeError):
            return False

    def write(self, rows: slice, columns: slice, block: Tensor) -> None:
        """Put a block in its place."""
        self.values[rows, columns] = block.cpu().numpy()

    def finish(self, index: int, parts: list[tuple[slice, slice]]) -> None:
        """Note a block as done, once its values are on disk."""
        with _writing(self.path):
            self.values.flush()
            atomic_write(self.marks / str(index), self._checksum(parts))

    def result(self) -> Tensor:
        """The kernel, memory-mapped; what is written to the tensor is not written to the file."""
        self.values = None
        return torch.from_numpy(np.load(self.path, mmap_mode="c"))

    def _checksum(self, parts: list[tuple[slice, slice]]) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for rows, columns in parts:
            part = self.values[rows, columns]
            step = max(1, _RUN // max(1, part[:1].nbytes))
            for first in range(0, len(part), step):
                digest.update(np.ascontiguousarray(part[first : first + step]).data)
        return digest.hexdigest()


def _take_room(descriptor: int, size: int) -> None:
    """Have the file system give all of the file now: a full disk is met here, and not while writing to memory."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    start, zeros = os.lseek(descriptor, 0, os.SEEK_SET), bytes(_RUN)
    kept = os.pread(descriptor, 4096, 0)
    while start < size:
        start += os.write(descriptor, zeros[: size - start])
    os.pwrite(descriptor, kept[:size], 0)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What the file system refuses, in a sentence."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        cure = "; free some space there, or choose another path" if error.errno == errno.ENOSPC else ""
        raise LazyRegimeError(f"the kernel cannot be stored in {path}: {why}{cure}.") from error
