"""One run to be."""

from collections.abc import Sequence
from dataclasses import dataclass

from lazyregime.app.compose.config import ConfigDict
from lazyregime.runs.folder import RunFolder


@dataclass(frozen=True)
class Job:
    """One run to be: its overrides, its configuration, its folder and its size (for a network, its parameters)."""

    overrides: Sequence[str]
    config: ConfigDict
    folder: RunFolder
    size: float
