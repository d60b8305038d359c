"""Who watches a run: wandb, TensorBoard, or nobody; and whatever becomes of the watcher, training goes on."""

import contextlib
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lazyregime.errors import LazyRegimeError
from lazyregime.ranks import is_first_process
from lazyregime.runs.folder import RunFolder
from lazyregime.tracking._backend import Backend, Picture
from lazyregime.tracking._worker import Worker
from lazyregime.tracking.called import Called
from lazyregime.tracking.names import tracked_names

OPEN_SECONDS = 60.0  # wandb itself gives up after 30
FINISH_SECONDS = 60.0  # for the upload of what is left; it stays on disk in any case

Say = Callable[[str], None]


class Tracking:
    """The recording of one run. No method raises for what the service does, and none waits for it but `finish`."""

    def __init__(self, backend: Backend | None, say: Say) -> None:
        self._backend, self._say, self._works, self._opened = backend, say, backend is not None, False
        self._rows = 0  # logged so far
        self._last: frozenset[str] = frozenset()  # what the last of them had
        if backend is None:
            return
        self._worker = Worker(f"{backend.name}-tracking")
        try:
            line = self._worker.call(backend.open, OPEN_SECONDS)
        except Exception as error:  # a missing package, a dead service, no disk: none of them ends a training
            self._give_up(error)
            self._abandon()
            return
        self._opened = self._works = line is not None
        if line is not None:
            say(line)

    def log_rows(self, rows: Sequence[Mapping[str, object]]) -> None:
        """The run's rows so far, first to last, as metrics.csv has them; what was logged before is left out.

        The last row that was logged may have become longer: a probe looks after the last epoch.
        """
        since, self._rows = self._rows, max(self._rows, len(rows))
        news = [(number, tracked_names(row)) for number, row in enumerate(rows) if number >= since]
        if 0 < since <= len(rows):
            more = {key: value for key, value in rows[since - 1].items() if key not in self._last}
            news = [(since - 1, tracked_names(more)), *news] if more else news
        if len(rows) >= self._rows and rows:
            self._last = frozenset(rows[-1])

        def write(backend: Backend) -> None:
            for number, row in news:
                backend.log_row(row, number)

        if news:
            self._post(write)

    def log_image(self, name: str, picture: Picture | str) -> None:
        """A picture, or its file."""
        shown = Path(picture) if isinstance(picture, str) else picture
        self._post(lambda backend: backend.log_image(name, shown))

    def log_file(self, name: str, kind: str, path: Path) -> None:
        """A file, where the service keeps files."""
        self._post(lambda backend: backend.log_file(name, kind, path))

    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table."""
        self._post(lambda backend: backend.log_table(name, columns, rows))

    def summary(self, values: Mapping[str, object]) -> None:
        """The last word on some quantities, by their names in result.json."""
        told = tracked_names(values)
        self._post(lambda backend: backend.summary(told))

    def finish(self, exit_code: int = 0) -> None:
        """End the recording, once; waits for it, but not for ever."""
        if not self._opened or self._backend is None:
            return
        self._opened, backend = False, self._backend
        try:
            self._worker.call(lambda: backend.finish(exit_code), FINISH_SECONDS)
        except Exception as error:  # the run is over and its files are written
            self._give_up(error)
            self._abandon()
        self._works = False

    def _post(self, write: Callable[[Backend], None]) -> None:
        def guarded() -> None:
            if not self._works or self._backend is None:
                return
            try:
                write(self._backend)
            except Exception as error:  # said once; training goes on
                self._give_up(error)

        if self._works and self._opened:
            try:
                self._worker.post(guarded)
            except queue.Full:
                self._give_up(TimeoutError("it does not keep up"))

    def _give_up(self, error: BaseException) -> None:
        if self._works and self._backend is not None:
            self._works = False
            text = " ".join(str(error).split())[:200]
            self._say(
                f"Warning: {self._backend.name} failed ({type(error).__name__}: {text}); the run goes on without it, "
                "and its folder has everything."
            )

    def _abandon(self) -> None:
        if self._backend is not None:
            with contextlib.suppress(Exception):  # the second failure in a row has nothing to add
                Worker("abandon-tracking").call(self._backend.abandon, 10.0)


@contextlib.contextmanager
def open_tracking(
    config: Mapping[str, Any], folder: RunFolder, log: Say, called: Called | None = None
) -> Iterator[Tracking]:
    """Record the run as ``config["tracking"]`` says, and end the recording in every case with the right exit code.

    Args:
        config: The resolved configuration; its ``tracking`` has ``kind`` (wandb, tensorboard or csv, which is nothing
            beside the local files), and for wandb ``project``, ``entity`` and ``mode``.
        folder: The run.
        log: Prints a line.
        called: What the run is called there; the name of its folder, and of no sweep, without it.

    Raises:
        LazyRegimeError: If the kind is unknown, or TensorBoard is asked for and not installed.
    """
    tracking = Tracking(_backend(config, folder, called or Called(folder.name)), log)
    try:
        yield tracking
    except BaseException as error:
        tracking.finish(0 if isinstance(error, SystemExit) and not error.code else 1)
        raise
    tracking.finish(0)


def _backend(config: Mapping[str, Any], folder: RunFolder, called: Called) -> Backend | None:
    kind = config["tracking"]["kind"]
    if kind == "csv" or not is_first_process():
        return None
    if kind == "wandb":
        from lazyregime.tracking._wandb import WandbBackend

        return WandbBackend(config, folder, called)
    if kind == "tensorboard":
        from lazyregime.tracking._tensorboard import TensorBoardBackend

        return TensorBoardBackend(config, folder)
    raise LazyRegimeError(f"tracking.kind={kind!r} is unknown; give wandb, tensorboard, or csv for local files only.")
