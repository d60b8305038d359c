"""Files under the data folder: read and checked byte for byte, written whole or not at all, by one process at a time."""

import contextlib
import gzip
import os
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from lazyregime.data._image_set import IdxFile

try:
    import fcntl
except ImportError:  # Windows: no lock, and renames alone keep the files whole
    fcntl = None

_LOCK_SECONDS = 1800.0
_POLL = 0.2


def read_checked(file: IdxFile, folders: list[Path]) -> tuple[bytes | None, list[str]]:
    """The first copy of a file with the right checksum, plain or .gz, and a sentence for each broken copy met before it."""
    broken: list[str] = []
    for folder in folders:
        for path in (folder / file.name, folder / f"{file.name}.gz"):
            if not path.is_file():
                continue
            try:
                content = path.read_bytes()
                fault = file.fault(gzip.decompress(content) if path.suffix == ".gz" else content)
            except (OSError, EOFError, zlib.error) as error:
                fault = f"it cannot be read ({error})"
            else:
                if fault is None:
                    return (gzip.decompress(content) if path.suffix == ".gz" else content), broken
            broken.append(f"{path} is broken: {fault}")
    return None, broken


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that others see either as it was or complete."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, waiting for whoever has it; where the file system has no locks, go on without."""
    with (folder / ".lock").open("a") as lock:
        if fcntl is not None:
            deadline = time.monotonic() + _LOCK_SECONDS
            while time.monotonic() < deadline:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(_POLL)
                except OSError:
                    break
        yield
