"""python -m lazyregime.report RUNS...: the tables on the screen, and the whole report in a folder."""

import argparse
import contextlib
import io
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lazyregime.interrupt import importing

with importing(__name__):
    from rich.console import Console

    from lazyregime.app.console import exit_in_peace, open_standard_streams, unread
    from lazyregime.errors import LazyRegimeError, in_words, is_of_the_machine

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION = """\
Read runs and report on them: the poster's table (kernel at initialization, kernel after training, network) beside the
published values, the regimes side by side, and every run that is unfinished, with its reason; with --claims, every
published statement that the runs bear on, with its verdict."""
EPILOG = """\
examples:
  python -m lazyregime.report runs/mnist                      one group of runs
  python -m lazyregime.report runs/mnist runs/poster          several groups in one report
  python -m lazyregime.report runs --claims                   the ledger of published claims
  python -m lazyregime.report --ledger docs/ledger.md         one table of all papers, from docs/results/*.json
  python -m lazyregime.report runs --recompute                metrics that are younger than the runs, from their kernels
  python -m lazyregime.report runs --out report               all runs, written to ./report
  python -m lazyregime.report runs/mnist runs/wide --compare  two groups side by side"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, build, print. Returns the exit code: 2 for a mistake in what was given, 130 for Ctrl-C."""
    try:
        open_standard_streams()
        given = _given(arguments)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # an old terminal shows ? for ±, and goes on
        _report(given)
    except Exception as error:
        from lazyregime.reports.reading.cleaning import clean_text

        is_ours = isinstance(error, LazyRegimeError)
        if not (is_ours or is_of_the_machine(error)):
            raise
        with contextlib.suppress(OSError):  # nobody listens
            print(f"Error: {clean_text(in_words(error))}", file=sys.stderr)
        return 2 if is_ours else 1
    except KeyboardInterrupt:
        return 130
    finally:
        exit_in_peace()
    return 0


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "lazyregime-report",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUNS", help="run folders, or folders that hold runs")
    parser.add_argument("--out", type=Path, help="where to write (default: report/ under the first RUNS)")
    parser.add_argument("--claims", action="store_true", help="hold the published claims against the runs")
    parser.add_argument("--store", type=Path, metavar="FILE", help="with --claims, keep what was measured in this file")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="write the ledger of all that was kept (no RUNS)")
    parser.add_argument("--compare", action="store_true", help="hold two groups of runs against each other")
    parser.add_argument(
        "--recompute", action="store_true", help="compute metrics that the runs lack from the kernels that they keep"
    )
    parser.add_argument("--explain", action="store_true", help="what each measure of the runs is, a paragraph each")
    given = parser.parse_args(arguments)
    trouble = _contradiction(given)
    if trouble:
        parser.error(trouble)
    return given


def _contradiction(given: argparse.Namespace) -> str:
    """What was given that does not go together, in a sentence."""
    if given.ledger is not None and (given.runs or given.claims or given.compare or given.out or given.explain):
        return "--ledger FILE is made of the measurements in the folder `results` beside FILE, and takes nothing else."
    if given.ledger is None and not given.runs:
        return "name RUNS: run folders, or folders that hold runs, such as runs/."
    if given.compare and (given.claims or given.recompute):
        return "--compare goes with neither --claims nor --recompute."
    return "--store FILE goes with --claims." if given.store is not None and not given.claims else ""


def _report(given: argparse.Namespace) -> None:
    from lazyregime.reports.build import build_report
    from lazyregime.reports.compare import compare
    from lazyregime.reports.ledger_page import write_ledger
    from lazyregime.reports.pages.terminal import show

    try:
        if given.ledger is not None:
            page = write_ledger(given.ledger)
            with unread():
                print(page)
            return
        if given.compare:
            report = compare(given.runs, given.out)
        else:
            report = build_report(
                given.runs, given.out, claims=given.claims, recompute=given.recompute, keep=given.store
            )
    except OSError as error:
        raise LazyRegimeError(
            f"The report cannot be written ({error}): name a folder you may write to with --out."
        ) from None
    with unread():
        console = Console(highlight=False)
        for table in report.tables:
            if not table.folded:
                show(table, console)
        if given.explain:
            _explain(console, report.runs)
        _list(console, "Written (figures also as PDF)", report.files)
        if report.missing:
            _list(console, "Next, for what is missing here", report.missing)
        if sys.stdout is not None:
            sys.stdout.flush()


def _explain(console: Console, runs: "pd.DataFrame") -> None:
    from lazyregime.measure.explain import explained

    known = {str(name): column.dropna().iloc[0] for name, column in runs.items() if column.notna().any()}
    for what, paragraph in explained(known, values=False):
        console.print(what, style="bold", markup=False, soft_wrap=True)
        text = textwrap.fill(paragraph, 100, initial_indent="  ", subsequent_indent="  ")
        console.print(f"{text}\n", markup=False, soft_wrap=True)


def _list(console: Console, heading: str, lines: Sequence[object]) -> None:
    from lazyregime.reports.reading.cleaning import clean_text

    console.print(f"{heading}:", style="bold")
    for line in lines:
        console.print(f"  {clean_text(str(line))}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
