"""One run to be."""

from collections.abc import Sequence
from dataclasses import dataclass

from lazyregime.app.compose.config import ConfigDict
from lazyregime.runs.folder import RunFolder


@dataclass(frozen=True)
class Job:
    """One run to be: overrides, configuration, folder, size (of a network, its parameters), and what to say of it."""

    overrides: Sequence[str]
    config: ConfigDict
    folder: RunFolder
    size: float
    notes: tuple[str, ...] = ()
