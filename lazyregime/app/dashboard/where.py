"""What a dashboard is made of: a folder of runs."""

from pathlib import Path

from lazyregime.errors import LazyRegimeError
from lazyregime.home import at_home


def runs_folder(given: str) -> Path:
    """The folder that holds the runs; it may be empty still.

    Raises:
        LazyRegimeError: If there is none.
    """
    folder = at_home(given)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise LazyRegimeError(f"{given} is a file: give the folder that holds the runs, such as runs/.")
    raise LazyRegimeError(
        f"The folder {given} does not exist: give one that holds runs, or start some with `python -m lazyregime.train`."
    )
