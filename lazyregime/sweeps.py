"""python -m lazyregime.sweeps status|verify|resubmit|pull: the runs there, their files, the rest; from elsewhere."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lazyregime.interrupt import importing

with importing(__name__):
    from lazyregime.app.compose.places import runs_dir
    from lazyregime.app.console import Console, answering
    from lazyregime.app.sweeps.pull import pull
    from lazyregime.app.sweeps.status import resubmit, show_status
    from lazyregime.app.sweeps.verify import verify

_ACTIONS = {
    "status": "a table of the runs there: done, under way, failed or not begun",
    "verify": "read every file of every run against its checksum",
    "resubmit": "start what is neither done nor under way, or damaged",
    "pull": "fetch the runs of another machine (rsync over ssh) and verify them",
}


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; exits with 0, 1 if a run failed again or a file is damaged, 2 for what makes no sense."""
    with answering():
        sys.exit(_done(_parser().parse_args(argv), Console()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lazyregime.sweeps", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, what in _ACTIONS.items():
        action = actions.add_parser(name, help=what, description=what)
        if name == "pull":
            action.add_argument("source", metavar="HOST:DIR", help="such as me@cluster:project/runs/mnist")
            action.add_argument("into", nargs="?", type=Path, help="where to (default: HOST/DIR's name below runs/)")
            continue
        action.add_argument("folder", type=Path, help="runs/GROUP, or a folder above it")
        if name == "resubmit":
            action.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="beside the sweeps' own")
    return parser


def _done(given: argparse.Namespace, console: Console) -> int:
    if given.action == "status":
        show_status(given.folder, console)
        return 0
    if given.action == "verify":
        return verify(given.folder, console)
    if given.action == "pull":
        return pull(given.source, given.into, runs_dir(), console)
    return resubmit(given.folder, console, given.overrides)


if __name__ == "__main__":
    main()
