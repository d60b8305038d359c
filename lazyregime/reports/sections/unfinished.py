"""What runs warn of, and every run without a result, with the reason: none is dropped in silence."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

import shlex
from os.path import commonpath
from pathlib import Path

import pandas as pd

from lazyregime.reports.pages.table import Cell, Line, Table, columns
from lazyregime.reports.section import Section

ORDER = 90
WORDS = {"reason": "", "warnings": "", "non_finite": "no finite number: "}
NOTES = ["They are in none of the tables. The command that started them, given again, finishes them."]


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """Failed, running, interrupted and damaged runs."""
    del figures
    unfinished = runs[runs.status != "complete"].sort_values(["status", "path"])
    root = Path(commonpath(list(runs.path))) if len(runs) else Path()
    warned = _warnings(runs, root)
    if unfinished.empty:
        return Section(warned)
    lines: list[Line] = [
        [Cell(run.status, "plain" if run.status == "running" else "warn"), Cell(_inside(run.path, root)),
         Cell(run.reason)]
        for run in unfinished.itertuples()
    ]  # fmt: skip
    table = Table("Unfinished runs", columns(left="status|run|reason"), lines, NOTES)
    return Section([*warned, table], commands=_resubmissions(unfinished[unfinished.status != "running"]))


def _resubmissions(unfinished: pd.DataFrame) -> list[str]:
    """For the groups whose sweeps wrote their commands down."""
    groups = {Path(path).parent for path in unfinished.path}
    known = sorted(group for group in groups if (group / ".sweeps").is_dir())
    return [f"python -m lazyregime.sweeps resubmit {shlex.quote(str(group))}" for group in known]


def _warnings(runs: pd.DataFrame, root: Path) -> list[Table]:
    """What complete runs say of their own results: a number that is none, a training that never moved."""
    kept = [name for name in ("reason", "warnings", "non_finite") if name in runs]
    lines: list[Line] = [
        [Cell(_inside(str(run["path"]), root)), Cell(WORDS[name] + str(run[name]), "warn")]
        for run in runs[runs.status == "complete"].to_dict("records")
        for name in kept
        if isinstance(run[name], str) and run[name]
    ]
    return [Table("Warnings", columns(left="run|what it says of its result"), lines)] if lines else []


def _inside(path: str, root: Path) -> str:
    inside = Path(path)
    return str(inside.relative_to(root)) if inside.is_relative_to(root) and inside != root else path
