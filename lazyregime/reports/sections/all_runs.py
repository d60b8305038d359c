"""Every run in one list: what it is, what it reached, which command made it, when, from which commit and versions."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from lazyregime.reports.pages.table import Cell, Line, Table, columns, fraction, short
from lazyregime.reports.reading.sweeps import sweep_commands
from lazyregime.reports.section import Section

ORDER = 95
SHOWN = (
    *columns(left="run|status|command", right="reached|seconds"),
    *columns(left="finished|commit|versions|made by"),
)
NOTES = [
    "reached: test accuracy; where there are no classes, the test loss (train), the risk (fit), or the risk under the "
    "first scaling (flow). made by: the sweep that the run belongs to. A run's folder has its whole config.yaml.",
]


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """All of them, complete or not; a run links to its folder."""
    commands = sweep_commands({Path(path).parent for path in runs.path})
    lines: list[Line] = [_line(run, figures.parent, commands) for run in runs.to_dict("records")]
    return Section([Table("All runs", SHOWN, lines, NOTES, folded=True)])


def _line(run: Mapping[str, object], out: Path, commands: Mapping[str, str]) -> list[Cell]:
    folder = Path(str(run["path"]))
    reached, finished = _reached(run), str(run["finished"]).replace("T", " ")[:16] if _known(run, "finished") else "-"
    return [
        Cell(folder.name, link=os.path.relpath(folder, out)),
        Cell(str(run["status"]), "plain" if run["status"] in ("complete", "running") else "warn"),
        Cell(str(run["command"]) if _known(run, "command") else "train"),
        Cell(reached),
        Cell(short(float(run["seconds"])) if _known(run, "seconds") else "-"),
        Cell(finished),
        Cell(str(run["commit"]) if _known(run, "commit") else "-"),
        Cell(_versions(run)),
        Cell(commands.get(folder.name, "-")),
    ]


def _reached(run: Mapping[str, object]) -> str:
    if _known(run, "test_accuracy"):
        return fraction(float(run["test_accuracy"]))
    found = next((k for k in ("test_loss", "test_risk", "mean_field_risk", "ntk_risk") if _known(run, k)), None)
    return "-" if found is None else short(float(run[found]))


def _versions(run: Mapping[str, object]) -> str:
    told = [f"{key.removeprefix('versions.')} {run[key]}" for key in run if key.startswith("versions.")]
    return ", ".join(text for text in told if not text.endswith((" nan", " None"))) or "-"


def _known(run: Mapping[str, object], key: str) -> bool:
    value = run.get(key)
    return value is not None and value == value
