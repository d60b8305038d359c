"""What can be chosen, as a help page shows it: the groups of conf/DOOR.yaml, and the first sentence of each option.

So a new option stands on every page by its yaml alone. What a group is for is the comment at its line in
conf/DOOR.yaml.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

WIDTH = 118
COLUMN = 24  # where the sentences begin
LAUNCHERS = ("hydra/launcher", None, "of sweeps (-m)")
GROUP = re.compile(r"^  - (?!override |optional )([\w/]+): (\w+)(?: +# (.+))?$", re.MULTILINE)


def groups(door: str, *, conf: Path) -> str:
    """The groups of a door with all of their options."""
    found = [(group, chosen, meaning) for group, chosen, meaning in GROUP.findall((conf / f"{door}.yaml").read_text())]
    return "\n".join(line for group in (*found, LAUNCHERS) for line in _page(door, *group, conf))


def first_sentence(option: Path) -> str:
    """Of the comment at the top of a file."""
    comments: list[str] = []
    for line in option.read_text().splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            comments.append(line.removeprefix("#").strip())
    return re.split(r"\.\s+", " ".join(comments))[0].rstrip(".")


def _page(door: str, group: str, chosen: str | None, meaning: str, conf: Path) -> Iterator[str]:
    yield f"  {group:<{COLUMN - 3}} {meaning}"
    for option in sorted((conf / group).glob("*.yaml")):
        if group != "experiment" or _door_of(option) == door:
            said = first_sentence(option) + (" (the default)" if option.stem == chosen else "")
            lines = textwrap.wrap(said, WIDTH - COLUMN) or [""]
            yield f"    {option.stem:<{COLUMN - 5}} {lines[0]}"
            yield from (" " * COLUMN + line for line in lines[1:])


def _door_of(experiment: Path) -> str:
    """The door that its comment starts it with; the scripts of train name none."""
    named = re.search(r"lazyregime\.(\w+) ", experiment.read_text())
    return named[1] if named else "train"
