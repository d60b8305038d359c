"""python -m lazyregime.runs [RUNS] --where CONDITION: the runs of many groups as one table, chosen, sorted, as CSV."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from lazyregime.interrupt import importing

with importing(__name__):
    from lazyregime.app.compose.places import runs_dir
    from lazyregime.app.console import Console, answering
    from lazyregime.errors import LazyRegimeError

EPILOG = """\
examples:
  python -m lazyregime.runs --where "regime=lazy and width>=512" --sort test_accuracy
  python -m lazyregime.runs runs/mnist runs/wide --where "lr<0.01 and not status=failed" --columns name,lr,test_loss
  python -m lazyregime.runs --where "arch in [mlp, cnn]" --csv chosen.csv

A column is a key of the configuration, or what a result tells; --columns help lists them."""


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; exits with 2 for a condition that cannot be read or a folder without runs."""
    parser = argparse.ArgumentParser(
        prog="python -m lazyregime.runs",
        description=(__doc__ or "").strip(),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUNS", help="folders that hold runs (default: all)")
    parser.add_argument("--where", default="", metavar="CONDITION", help="of which a run is told")
    parser.add_argument("--sort", default="", metavar="COLUMN", help="largest first; -COLUMN: smallest first")
    parser.add_argument("--columns", default="", metavar="A,B", help="what is told of each; help: what there is")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N only")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write them there, with every column")
    with answering():
        _tell(parser.parse_args(_joined(sys.argv[1:] if argv is None else argv)), Console())
    sys.exit(0)


def _joined(words: Sequence[str]) -> list[str]:
    """`--sort -width` as `--sort=-width`, which argparse would take for an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--sort":
            joined[-1] = f"--sort={word}"
        else:
            joined.append(word)
    return joined


def _tell(given: argparse.Namespace, console: Console) -> None:
    from lazyregime.atomic import atomic_write
    from lazyregime.reports.listing import chosen, shown
    from lazyregime.reports.load import load_runs
    from lazyregime.reports.pages.csv import csv_text

    if given.limit is not None and given.limit < 1:
        raise LazyRegimeError(f"--limit is {given.limit}; give at least 1.")
    runs = load_runs(given.runs or [runs_dir()])
    if given.columns == "help":
        for heading in runs.columns:
            console.say(str(heading).removeprefix("config."))
        return
    found = chosen(runs, given.where, given.sort).head(given.limit or len(runs))
    headings, rows = shown(found, [name for name in given.columns.split(",") if name])
    console.table(headings, rows)
    console.say(f"\n{len(found)} of {len(runs)} runs")
    if given.csv is not None:
        atomic_write(given.csv, csv_text(found))
        console.say(f"Written: {given.csv}")
    elif len(found):
        with contextlib.suppress(ValueError):
            console.say(f"Next:   python -m lazyregime.report {found.path.iloc[0]}")


if __name__ == "__main__":
    main()
