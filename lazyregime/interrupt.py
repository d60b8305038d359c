"""Ctrl-C while a command is still being imported ends it with 130 and no traceback, as it does from then on."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def importing(name: str) -> Iterator[None]:
    """Around the imports of a command, which is given its `__name__`: who imports it for his own has his own Ctrl-C.

    Raises:
        SystemExit: At Ctrl-C, where the module is the program.
    """
    try:
        yield
    except KeyboardInterrupt:
        if name != "__main__":
            raise
        sys.exit(130)
