"""The record of a drive, and the table that it comes to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BAD = ("differed", "stuck")


def read_trials(record: Path) -> dict[int, list[dict[str, Any]]]:
    """By its number, each time that a trial was done."""
    found: dict[int, list[dict[str, Any]]] = {}
    if record.exists():
        for line in record.read_text().splitlines():
            trial = json.loads(line)
            found.setdefault(trial["trial"], []).append(trial)
    return found


def table(trials: Mapping[int, Sequence[Mapping[str, Any]]], kinds: Mapping[str, Any]) -> str:
    """A row for each kind: how its trials ended the last time, and how many had to be mended for it."""
    lines = ["| kind | what is done | trials | ended the same | differed | stuck | bad at first |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    sums = [0, 0, 0, 0, 0]
    for name, kind in kinds.items():
        mine = [each for each in trials.values() if each[-1]["kind"] == name]
        last = [each[-1]["outcome"] for each in mine]
        if not (counted := sum(outcome != "not possible" for outcome in last)):
            continue
        first = sum(any(once["outcome"] in BAD for once in each) for each in mine)
        counts = [counted, *(last.count(word) for word in ("same", *BAD)), first]
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        lines.append(f"| {name} | {kind.what} | {' | '.join(map(str, counts))} |")
    return "\n".join([*lines, f"| all | | {' | '.join(map(str, sums))} |"])
