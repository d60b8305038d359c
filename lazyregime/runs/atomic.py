"""A file is either the old one or the new one, never half of one: write beside it, fsync, rename."""

import os
import secrets
from pathlib import Path


def atomic_write(path: Path | str, content: bytes | str) -> None:
    """Replace the file by `content` so that a crash at any moment leaves the old or the new file, whole.

    The folder is made where it is missing. What a killed writer leaves behind is a hidden ``.NAME.*.tmp``
    beside the file, which `remove_leftovers` takes away.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.tmp"
    data = content.encode() if isinstance(content, str) else content
    try:
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def remove_leftovers(folder: Path) -> None:
    """Take away what killed writers left; only for a folder in which nobody else writes."""
    for leftover in folder.rglob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Put the rename itself on disk, so that it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems cannot sync a folder; the file itself is on disk
        return
    finally:
        os.close(descriptor)
