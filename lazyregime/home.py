"""~ and ~name at the beginning of a path, as a shell has them."""

from os import PathLike
from pathlib import Path

from lazyregime.errors import LazyRegimeError


def at_home(path: str | PathLike[str]) -> Path:
    """The path with the folder that ~ stands for.

    Raises:
        LazyRegimeError: If there is no such user, or nobody's home is known.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise LazyRegimeError(f"{path}: there is no home of that name; give the folder without ~.") from error
