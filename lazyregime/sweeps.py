"""python -m lazyregime.sweeps status|resubmit DIR: what has become of the runs there, and the rest once more."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lazyregime.app.console import Console
from lazyregime.app.sweeps.status import resubmit, show_status
from lazyregime.errors import LazyRegimeError


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; exits with 0, 1 if a run failed again, 2 if there is nothing to tell of."""
    parser = argparse.ArgumentParser(prog="python -m lazyregime.sweeps", description=__doc__)
    parser.add_argument("action", choices=["status", "resubmit"], help="a table, or what is neither done nor under way")
    parser.add_argument("folder", type=Path, help="runs/GROUP, or a folder above it")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="for resubmit: beside the sweeps' own")
    given = parser.parse_args(argv)
    console = Console()
    try:
        if given.action == "status":
            if given.overrides:
                parser.error(f"status takes no overrides; {given.overrides[0]} is one")
            show_status(given.folder, console)
            sys.exit(0)
        sys.exit(resubmit(given.folder, console, given.overrides))
    except LazyRegimeError as error:
        console.error(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
