"""Remove a folder once standard input ends: when whoever holds its other end is done with it, or gone.

Run by its path, in a process of its own: it imports nothing of the package.
"""

import shutil
import sys
import time
from pathlib import Path

_TRIES = 50
_PAUSE = 0.1  # seconds: a command that is being ended at the same time may write a little longer


def main() -> None:
    """Wait, then remove the folder named on the command line."""
    folder = Path(sys.argv[1])
    sys.stdin.buffer.read()
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE)


if __name__ == "__main__":
    main()
