"""Files under the data folder: checked byte for byte when read, and written by one process at a time."""

import contextlib
import errno
import gzip
import time
import zlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO

from lazyregime.data.fetching.image_set import KnownFile

try:
    import fcntl
except ImportError:  # Windows: no lock, and renames alone keep the files whole
    fcntl = None

LOCK_SECONDS = 1800.0  # longer than any source may take
_POLL = 0.2


def read(path: Path) -> bytes:
    """A file's bytes, uncompressed if its name ends in .gz.

    Raises:
        OSError: If it cannot be read or uncompressed.
    """
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error) as error:
        raise OSError(errno.EILSEQ, str(error), str(path)) from error


def read_checked(file: KnownFile, folders: list[Path]) -> tuple[bytes | None, list[str]]:
    """The first right copy of a file, plain or .gz, if there is one; and a sentence for each broken copy before it."""
    broken: list[str] = []
    for path in (folder / name for folder in folders for name in (file.name, f"{file.name}.gz")):
        try:
            content = read(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            broken.append(f"{path} cannot be read ({error.strerror or error})")
            continue
        fault = file.fault(content)
        if fault is None:
            return content, broken
        broken.append(f"{path} is broken: {fault}")
    return None, broken


@contextlib.contextmanager
def only_one(folder: Path, *, waiting: Callable[[], None]) -> Generator[bool]:
    """Hold the folder's lock; gives False where the file system has none, and after a very long wait.

    `waiting` is called once if another process holds it.
    """
    with (folder / ".lock").open("a") as lock:
        yield _lock(lock, waiting)


def _lock(lock: IO[str], waiting: Callable[[], None]) -> bool:
    """Whether the lock was taken; closing the file, or the end of the process however it ends, gives it back."""
    if fcntl is None:
        return False
    began, told = time.monotonic(), False
    while time.monotonic() - began < LOCK_SECONDS:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                waiting()
                told = True
            time.sleep(_POLL)
        except OSError:
            return False
        else:
            return True
    return False
