"""What a door does: how its configuration is composed and checked, what computes a run, how the result is told.

A new command is a subclass in app/, a conf/NAME.yaml, a page in conf/hydra/help/ and three lines in lazyregime/NAME.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lazyregime.app.compose.config import ConfigDict, Source
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.identity import Naming
from lazyregime.runs.result import Result

if TYPE_CHECKING:  # they import torch
    from lazyregime.app.compose.job import Job
    from lazyregime.app.console import Console
    from lazyregime.tracking.tracking import Tracking

Rows = Sequence[tuple[str, str]]


class AbstractWork(ABC):
    """One run while it is computed."""

    @property
    def step(self) -> int | None:
        """How far it has come, for the report of a failure."""
        return None

    @abstractmethod
    def opening(self) -> str:
        """What is about to be computed, in a line."""

    @abstractmethod
    def run(self) -> Result:
        """Compute, or go on from where an earlier process stopped, and return its result."""


class AbstractCommand(ABC):
    """One of `python -m lazyregime.NAME`. It is told by its class; the methods import what is slow to import."""

    source: ClassVar[Source]  # its configuration; `source.command` is its name
    naming: ClassVar[Naming]  # what its runs are called
    headlines: ClassVar[tuple[tuple[str, str], ...]]  # the table of a sweep shows the first that there is: words, key

    def complete(self, config: ConfigDict) -> ConfigDict:
        """The configuration with what is known only by looking: here, the shapes of data of one's own.

        Raises:
            LazyRegimeError: If what it names is not there.
        """
        from lazyregime.app.compose.own_data import completed

        return completed(config)

    @abstractmethod
    def check(self, config: ConfigDict) -> float:
        """Refuse what cannot be, before anything is computed; the size by which the largest job of a sweep is known.

        Raises:
            LazyRegimeError: A sentence about the first thing that is wrong.
        """

    @abstractmethod
    def demand(self, config: ConfigDict, size: float) -> str:
        """In words, what a job of this size needs."""

    def bytes_held(self, config: ConfigDict, size: float) -> float:
        """What a job of this size must hold on this machine's CPU at once, as far as that can be told; at least."""
        del config, size
        return 0.0

    @abstractmethod
    def start(self, config: ConfigDict, folder: RunFolder, console: "Console", tracking: "Tracking") -> AbstractWork:
        """Load what the run is computed from."""

    def compute_together(self, jobs: "Sequence[Job]", console: "Console") -> None:
        """Compute those jobs of a sweep that gain by it together, before the others; each becomes a run of its own."""
        del jobs, console  # most commands have none

    def is_to_go_on(self, result: Mapping[str, Any]) -> bool:
        """Whether a complete run lacks something that the same command may find by now."""
        del result
        return False

    @abstractmethod
    def draw(self, folder: RunFolder, result: Mapping[str, Any]) -> Path:
        """The run's figure, written to figures/summary.png."""

    @abstractmethod
    def summary(self, result: Mapping[str, Any]) -> Rows:
        """What a person wants to know of the run: (what, value)."""

    def explained(self, result: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """What the rows of the summary are, a paragraph each, for --explain."""
        del result
        return ()

    @abstractmethod
    def last_word(self, result: Mapping[str, Any]) -> str:
        """The conclusion, in a line."""

    def folder(self, config: ConfigDict) -> RunFolder:
        """Where the run of this configuration lies."""
        return RunFolder.of(config, self.source.command, self.naming)
