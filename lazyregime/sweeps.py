"""python -m lazyregime.sweeps status|verify|resubmit DIR: the runs there, their files, and the rest once more."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lazyregime.app.console import Console, exit_in_peace, open_standard_streams
from lazyregime.app.sweeps.status import resubmit, show_status
from lazyregime.app.sweeps.verify import verify
from lazyregime.errors import LazyRegimeError, in_words, is_of_the_machine

_ACTIONS = "a table; every file against its checksum; what is neither done nor under way"


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; exits with 0, 1 if a run failed again or a file is damaged, 2 without any run."""
    parser = argparse.ArgumentParser(prog="python -m lazyregime.sweeps", description=__doc__)
    parser.add_argument("action", choices=["status", "verify", "resubmit"], help=_ACTIONS)
    parser.add_argument("folder", type=Path, help="runs/GROUP, or a folder above it")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="for resubmit: beside the sweeps' own")
    given = parser.parse_args(argv)
    open_standard_streams()
    console = Console()
    try:
        if given.action != "resubmit" and given.overrides:
            parser.error(f"{given.action} takes no overrides; {given.overrides[0]} is one")
        if given.action == "status":
            show_status(given.folder, console)
            sys.exit(0)
        if given.action == "verify":
            sys.exit(verify(given.folder, console))
        sys.exit(resubmit(given.folder, console, given.overrides))
    except LazyRegimeError as error:
        console.error(str(error))
        sys.exit(2)
    except Exception as error:
        if not is_of_the_machine(error):
            raise
        console.error(in_words(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        exit_in_peace()


if __name__ == "__main__":
    main()
