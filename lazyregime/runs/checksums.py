"""SHA-256 of the files of a run, kept in its result: a flipped, cut or foreign file is found when it is read."""

import errno
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any


def checksum_of_file(path: Path) -> str:
    """Of the content of a file, in hexadecimal.

    Raises:
        OSError: If it cannot be read.
    """
    if not path.is_file():  # from a pipe nothing would ever come
        raise OSError(errno.ENOENT, "there is no file of that name", str(path))
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checksum_of_object(content: Mapping[str, Any]) -> str:
    """Of a JSON object, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def checksums_of(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """By name relative to the folder, of those files that are there."""
    return {path.relative_to(folder).as_posix(): checksum_of_file(path) for path in files if path.is_file()}


def is_of_a_run(name: str) -> bool:
    """Whether a name is that of a file in a run's folder, its checkpoints or its figures: no other is touched."""
    *folders, file = PurePosixPath(name).parts or ("",)
    return folders in ([], ["checkpoints"], ["figures"]) and file not in ("", "/", "..")


def differing(folder: Path, checksums: Mapping[str, str]) -> list[Path]:
    """The files that are gone, cannot be read, or are not what they were."""
    return [folder / name for name, checksum in checksums.items() if not _is_as_it_was(folder / name, checksum)]


def _is_as_it_was(path: Path, checksum: str) -> bool:
    try:
        return not path.is_symlink() and checksum_of_file(path) == checksum
    except OSError:
        return False
