"""A run's figure: a result that is there is not lost for a picture, but one that could not be stored is drawn later."""

from collections.abc import Callable
from pathlib import Path

from lazyregime.app.console import Console


def drawn(draw: Callable[[], Path], console: Console) -> Path | None:
    """The figure; None, with a warning, where it could not be drawn.

    Raises:
        OSError: If the system refuses to write it, as it then would the result; the same command draws it.
    """
    try:
        return draw()
    except OSError:
        raise
    except Exception as error:
        console.warn(f"The figure could not be drawn: {type(error).__name__}: {error}")
        return None
