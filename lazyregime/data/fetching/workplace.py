"""A folder to work in that is gone afterwards, also when this process is killed in the middle."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

_PREFIX = ".fetching-"
_JANITOR = str(Path(__file__).with_name("janitor.py"))


@contextlib.contextmanager
def workplace(home: Path, *, sole: bool) -> Generator[Path]:
    """An empty folder under `home`, so that a file moves from it into its place in one step.

    A second process, which no signal to this one's group reaches, removes it when this one is gone. Where both were
    killed, the next fetch does.

    Args:
        home: Where the folder is made.
        sole: Nobody else works here now, so that what lies here was left by one that was killed.
    """
    if sole:
        for left in home.glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
    janitor = subprocess.Popen(
        [sys.executable, "-I", "-S", _JANITOR, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield folder
    finally:
        janitor.communicate()  # closes its input, which is its sign to begin
