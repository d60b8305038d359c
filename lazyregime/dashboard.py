"""python -m lazyregime.dashboard [RUNS_DIR]: a local page that follows runs while they are computed."""

import argparse
import os
import sys
from collections.abc import Sequence

from lazyregime.app.console import Console, exit_in_peace, open_standard_streams
from lazyregime.app.dashboard.server import PORT, serve
from lazyregime.app.dashboard.where import runs_folder
from lazyregime.errors import LazyRegimeError, refused_by_the_system

EPILOG = """\
examples:
  python -m lazyregime.dashboard                     the runs in ./runs, or in $LAZYREGIME_RUNS
  python -m lazyregime.dashboard runs/mnist --open   one group of runs, in a browser
  python -m lazyregime.dashboard --port 0            at any free port

The page is served to this machine only (127.0.0.1). From elsewhere: ssh -L 8765:127.0.0.1:8765 HOST"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; serves until Ctrl-C. Exits with 2 for a mistake in what was given."""
    parser = argparse.ArgumentParser(
        prog="python -m lazyregime.dashboard",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = os.environ.get("LAZYREGIME_RUNS") or "runs"
    parser.add_argument("where", nargs="?", default=default, metavar="RUNS_DIR", help="a folder that holds runs")
    parser.add_argument("--port", type=int, default=PORT, help=f"of the page; 0 for any that is free (default {PORT})")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    given = parser.parse_args(argv)
    open_standard_streams()
    console = Console()
    try:
        serve(runs_folder(given.where), console, port=given.port, in_browser=given.open)
    except LazyRegimeError as error:
        console.error(str(error))
        sys.exit(2)
    except OSError as error:
        console.error(str(refused_by_the_system(error)))
        sys.exit(1)
    except KeyboardInterrupt:
        console.say("The dashboard has ended; the runs go on.")
    finally:
        exit_in_peace()


if __name__ == "__main__":
    main()
