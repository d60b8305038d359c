"""python -m lazyregime.dashboard [RUNS_DIR | ENTITY/PROJECT]: a local page that follows runs, or wandb's workspace."""

import argparse
import json
from collections.abc import Sequence

from lazyregime.interrupt import importing

with importing(__name__):
    from lazyregime.app.compose.places import runs_dir
    from lazyregime.app.console import Console, answering
    from lazyregime.app.dashboard.server import PORT, serve
    from lazyregime.app.dashboard.where import Project, place

EPILOG = """\
examples:
  python -m lazyregime.dashboard                     the runs in ./runs, or in $LAZYREGIME_RUNS
  python -m lazyregime.dashboard runs/mnist --open   one group of runs, in a browser
  python -m lazyregime.dashboard --port 0            at any free port
  python -m lazyregime.dashboard ENTITY/PROJECT      a workspace in wandb: regime by width, kernel turn, alpha, ledger
  python -m lazyregime.dashboard ENTITY/PROJECT --json   the same printed, without an account

The page is served to this machine only (127.0.0.1). From elsewhere: ssh -L 8765:127.0.0.1:8765 HOST"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; serves until Ctrl-C. Exits with 2 for a mistake in what was given."""
    with answering():
        parser = _parser()
        given, console = parser.parse_args(argv), Console()
        where = place(given.where)
        if isinstance(where, Project):
            _workspace(parser, given, where, console)
        elif given.json:
            parser.error(f"--json is for a project of wandb, and {given.where} is a folder")
        else:
            try:
                serve(where, console, port=PORT if given.port is None else given.port, in_browser=given.open)
            except KeyboardInterrupt:
                console.say("The dashboard has ended; the runs go on.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lazyregime.dashboard",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = str(runs_dir())
    parser.add_argument(
        "where", nargs="?", default=default, metavar="WHERE", help="a folder of runs, or ENTITY/PROJECT"
    )
    parser.add_argument("--port", type=int, help=f"of the page; 0 for any that is free (default {PORT})")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument("--json", action="store_true", help="of a workspace: print it, and save nothing")
    return parser


def _workspace(parser: argparse.ArgumentParser, given: argparse.Namespace, project: Project, console: Console) -> None:
    """Made in wandb, or printed."""
    from lazyregime.app.dashboard.workspace import as_json, build_workspace, make_workspace  # wandb takes seconds

    if given.port is not None or given.open:
        parser.error(f"--port and --open are for a folder of runs, and {project} is none")
    if given.json:
        console.say(json.dumps(as_json(build_workspace(project)), indent=1))
    else:
        console.say(f"The workspace of {project}: {make_workspace(project)}")


if __name__ == "__main__":
    main()
