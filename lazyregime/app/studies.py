"""The command line of a study in multirun_scripts/: sweeps that change one thing at a time, and a table for each."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from lazyregime.app.compose.config import overrides_with
from lazyregime.app.compose.places import runs_dir
from lazyregime.app.console import Console
from lazyregime.reports.load import load_runs

Door = Callable[[Sequence[str]], object]  # lazyregime.train.main, or another's
Study = Callable[[list[str]], Iterable[Sequence[object]]]  # from the user's overrides to rows


def studies(
    about: str | None, tables: Mapping[str, tuple[Study, Sequence[str]]], arguments: Sequence[str] | None
) -> None:
    """Does the studies that are named, all if none is, and prints the table of each.

    Args:
        about: The text of --help.
        tables: By name, a study and the columns of its rows.
        arguments: Names and overrides KEY=VALUE; those of the command line if None.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="STUDY | KEY=VALUE")
    words = parser.parse_args(arguments).words
    names, overrides = [w for w in words if "=" not in w], [w for w in words if "=" in w]
    unknown = [name for name in names if name not in tables]
    if unknown:
        parser.error(f"{unknown[0]} is no study; there are {', '.join(tables)}")
    for name in names or tables:
        study, columns = tables[name]
        Console().table(columns, list(study(overrides)))


def runs_of(door: Door, group: str, sweep: Iterable[str], overrides: Iterable[str]) -> pd.DataFrame:
    """A sweep with the user's overrides in the place of its own, and its runs; what is complete is not repeated.

    Raises:
        SystemExit: If runs fail; the door has said why.
    """
    words = [*sweep, f"group={group}", f"tags=[{group}]"]
    for override in overrides:
        words = overrides_with(words, *override.split("=", 1))
    try:
        door(["-m", *words])
    except SystemExit as end:
        if end.code:
            raise
    given = dict(word.split("=", 1) for word in words)
    return load_runs(Path(given.get("runs_dir", runs_dir())) / given["group"])
