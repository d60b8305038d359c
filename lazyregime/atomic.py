"""A file is either the old one or the new one, never half of one: write beside it, sync, rename, sync the folder."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path | str, *, by_way_of: Path | None = None) -> Iterator[Path]:
    """A path beside `path`, with its suffix, whose file takes the place of `path` when the block ends well.

    The folder is made where it is missing. A crash at any moment leaves the old or the new file, whole; what a killed
    writer leaves behind is hidden, and `remove_leftovers` takes it away.

    Args:
        path: The file.
        by_way_of: Another folder of the same file system to write in, which somebody cleans.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = f".{path.stem}.{os.getpid()}-{secrets.token_hex(3)}.tmp{path.suffix}"
    temporary = (path.parent if by_way_of is None else by_way_of) / hidden
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # some network file systems cannot sync a folder; the file itself is on disk
        _sync(path.parent)


def atomic_write(path: Path | str, content: bytes | str, *, by_way_of: Path | None = None) -> None:
    """Replace the file by `content`."""
    with replacing(path, by_way_of=by_way_of) as temporary, open(temporary, "xb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def remove_leftovers(folder: Path) -> None:
    """Take away what killed writers left; only for a folder in which nobody else writes."""
    for leftover in folder.rglob(".*.tmp*"):
        leftover.unlink(missing_ok=True)


def remove_leftovers_of_the_dead(folder: Path) -> None:
    """Take away what writers left whose processes are no more; for a folder in which others may write."""
    for leftover in folder.glob(".*.tmp*"):
        pid = leftover.name.rpartition(".tmp")[0].rpartition(".")[2].partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            leftover.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
