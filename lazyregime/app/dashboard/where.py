"""What a dashboard is made of: a folder of runs, or a project of wandb. What is a folder here is that folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from lazyregime.errors import LazyRegimeError
from lazyregime.home import at_home

_PROJECT = re.compile(r"([A-Za-z0-9][\w.-]*)/([A-Za-z0-9][\w.-]*)")


@dataclass(frozen=True)
class Project:
    """Of wandb."""

    entity: str
    name: str

    def __str__(self) -> str:
        return f"{self.entity}/{self.name}"


def place(given: str) -> Path | Project:
    """The folder of that name, which may be empty still; else what looks like ENTITY/PROJECT.

    Raises:
        LazyRegimeError: If it is neither.
    """
    folder = at_home(given)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise LazyRegimeError(f"{given} is a file: give the folder that holds the runs, such as runs/.")
    project = _PROJECT.fullmatch(given)
    if project is not None:
        return Project(*project.groups())
    raise LazyRegimeError(
        f"The folder {given} does not exist: give one that holds runs, or start some with `python -m "
        "lazyregime.train`; or a project of wandb as ENTITY/PROJECT."
    )
