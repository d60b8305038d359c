"""What a person at the keyboard sees: bars and tables on a terminal, plain whole lines anywhere else."""

import atexit
import contextlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import rich.box
from rich.console import Console as RichConsole
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from lazyregime.app.lines import lines_of
from lazyregime.errors import LazyRegimeError, in_words, is_of_the_machine

_LINE_SECONDS = 10.0  # without a terminal: a line at least so often while a task runs,
_LINE_SHARE = 0.1  # or after so much of it,
_SILENT_SECONDS = 2.0  # and none for what takes less
_REDRAW_SECONDS = 0.1
_UNBOUNDED_COLUMNS = 100_000
_LONG = 200  # rows of a table that is not folded to the width of the terminal
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # but for tab and line feed

Update = Callable[..., None]  # update(done, status="")


class Console:
    """Where the doors print: results and progress on stdout, warnings and errors on stderr."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.explains = False  # whether a run's table is followed by what its rows are
        self.is_terminal = _is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb"
        self.bars, self.shows_progress = self.is_terminal, True
        self._rich = RichConsole(
            highlight=False,
            markup=False,
            emoji=False,
            force_terminal=self.is_terminal,
            width=None if self.is_terminal else _UNBOUNDED_COLUMNS,
            color_system="auto" if self.is_terminal else None,
        )
        self._bars: Progress | None = None

    def show_progress(self, kind: str) -> None:
        """`auto` (bars on a terminal, else lines), `lines`, or `none`."""
        self.bars, self.shows_progress = self.is_terminal and kind == "auto", kind != "none"

    def say(self, text: str = "") -> None:
        """One or more lines, whole: nothing is cropped, no word is coloured."""
        if not self.quiet:
            self._print(text)

    def warn(self, text: str) -> None:
        """A line on stderr, also where the console is quiet."""
        _to_stderr(f"Warning: {text}", "\x1b[33m")

    def error(self, text: str) -> None:
        """A line on stderr, also where the console is quiet."""
        _to_stderr(f"Error: {text}", "\x1b[31m")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
        """A table; columns of numbers are flush right. None is an empty cell."""
        if self.quiet:
            return
        right = [_are_numbers([row[index] for row in rows]) for index in range(len(columns))]
        cells = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
        if not self.is_terminal or len(cells) > _LONG:
            self._print("\n".join([*([title] if title else []), *lines_of(columns, cells, right)]))
            return
        table = Table(title=title, title_justify="left", box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column, is_right in zip(columns, right, strict=True):
            table.add_column(column, justify="right" if is_right else "left", overflow="fold")
        for row in cells:
            table.add_row(*row)
        self._rich.print(table)

    @contextlib.contextmanager
    def progress(self, description: str, total: int | None = None) -> Iterator[Update]:
        """A bar, or plain lines; yields ``update(done, status="")``, cheap enough for an inner loop."""
        if self.quiet or not self.shows_progress:
            yield lambda done, status="": None
        elif self.bars:
            with self._bar(description, total) as update:
                yield update
        else:
            lines = _Lines(description, total, self._print)
            yield lines.update
            lines.close()

    @contextlib.contextmanager
    def kernel_progress(self, description: str) -> Iterator[Callable[[int, int], None]]:
        """The same as the ``progress(done, total)`` that the kernels call; the total is learnt from the first call."""
        with contextlib.ExitStack() as stack:
            update: Update | None = None

            def report(done: int, total: int) -> None:
                nonlocal update
                if update is None:
                    update = stack.enter_context(self.progress(description, total))
                update(done)

            yield report

    @contextlib.contextmanager
    def _bar(self, description: str, total: int | None) -> Iterator[Update]:
        """A row in the one live display: tasks may be nested (a kernel while training)."""
        bars = self._bars
        if bars is None:
            bars = self._bars = _live_bars(self._rich)
            bars.start()
        task = bars.add_task(description, total=total, status="")
        try:
            yield _throttled(bars, task)
        finally:
            bars.remove_task(task)
            if not bars.tasks:
                bars.stop()
                self._bars = None

    def _print(self, text: str) -> None:
        if not self.is_terminal:
            _write(sys.stdout, printable(text))
            return
        try:
            self._rich.print(printable(text), soft_wrap=True)
        except OSError:  # the terminal has gone
            silence(sys.stdout)


class _Lines:
    """Progress without a terminal: a line every ten seconds or every tenth, with the time left."""

    def __init__(self, description: str, total: int | None, print_line: Callable[[str], None]) -> None:
        self.description, self.total, self.print_line = description, total, print_line
        self.start = self.last_time = time.monotonic()
        self.last_done = self.done = 0
        self.said_something = False

    def update(self, done: int, status: str = "") -> None:
        self.done = done
        now = time.monotonic()
        since = now - self.last_time
        share = (done - self.last_done) / self.total if self.total else 0.0
        if since >= _LINE_SECONDS or (since >= _SILENT_SECONDS and share >= _LINE_SHARE):
            self.last_time, self.last_done, self.said_something = now, done, True
            self.print_line(f"{self.description}: {self._state(now - self.start)}{status and f', {status}'}")

    def close(self) -> None:
        if self.said_something:
            self.print_line(f"{self.description}: done, {duration(time.monotonic() - self.start)}")

    def _state(self, elapsed: float) -> str:
        if not self.total:
            return f"{self.done}, {duration(elapsed)}"
        left = elapsed * (self.total - self.done) / self.done if self.done else None
        estimate = "" if left is None else f", about {duration(left)} left"
        return f"{self.done / self.total:.0%} ({self.done}/{self.total}), {duration(elapsed)}{estimate}"


def duration(seconds: float) -> str:
    """``8 s``, ``2 min 05 s``, ``1 h 02 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _live_bars(console: RichConsole) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(show_speed=True),  # percent, or where no total is known the speed
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
        console=console,
        transient=True,
        refresh_per_second=4,
    )


def _throttled(bars: Progress, task: TaskID) -> Update:
    """Passes an update on only as often as the eye can see one."""
    next_time = 0.0

    def update(done: int, status: str = "") -> None:
        nonlocal next_time
        now = time.monotonic()
        if now >= next_time:
            next_time = now + _REDRAW_SECONDS
            fields: dict[str, Any] = {"status": status} if status else {}
            bars.update(task, completed=done, **fields)

    return update


def _are_numbers(cells: Sequence[object]) -> bool:
    def is_number(cell: object) -> bool:
        try:
            float(str(cell).rstrip("%"))
        except ValueError:
            return cell in (None, "", "-", "–")
        return True

    return bool(cells) and all(is_number(cell) for cell in cells)


def _to_stderr(text: str, colour: str) -> None:
    text = printable(text)
    coloured = _is_terminal(sys.stderr) and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    _write(sys.stderr, f"{colour}{text}\x1b[0m" if coloured else text)


def _is_terminal(stream: Any) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def printable(text: str) -> str:
    """The text with its control characters spelt out: what was read from a file does not steer a terminal."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _write(stream: Any, text: str) -> None:
    """A line, at once; a letter that the stream's encoding has not becomes a question mark."""
    if stream is None:  # it was closed before Python began
        return
    try:
        try:
            print(text, file=stream, flush=True)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)
    except (OSError, ValueError):  # its reader has gone, or it was closed: that ends no training
        silence(stream)


def open_standard_streams() -> None:
    """Where one is closed, open it on nothing: else the next file that is opened would take its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def outlive_the_terminal() -> None:
    """A terminal that is closed, or an ssh that is lost, ends no training: its SIGHUP is ignored, as nohup has it."""
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    is_main = threading.current_thread() is threading.main_thread()
    if hang_up is not None and is_main and signal.getsignal(hang_up) == signal.SIG_DFL:
        signal.signal(hang_up, signal.SIG_IGN)


def exit_in_peace() -> None:
    """All is done: a Ctrl-C while the interpreter ends prints no traceback. Call it last, so that it comes first."""
    atexit.register(_ignore_interrupts)


@contextlib.contextmanager
def answering(mistake: type[LazyRegimeError] = LazyRegimeError) -> Iterator[None]:
    """What goes wrong within is a sentence and an exit code: 2 for a mistake in what was given, 130 for Ctrl-C, else 1.

    Args:
        mistake: The kind of error that is one.
    """
    try:
        open_standard_streams()
        yield
    except LazyRegimeError as error:
        Console().error(str(error))
        sys.exit(2 if isinstance(error, mistake) else 1)
    except Exception as error:
        if not is_of_the_machine(error):
            raise
        Console().error(in_words(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        exit_in_peace()


def _ignore_interrupts() -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def unread() -> Iterator[None]:
    """Print to stdout what is only a copy of what has been written: where nobody reads any more, that is no error."""
    try:
        yield
    except (OSError, ValueError):
        silence(sys.stdout)
    except SystemExit:  # rich's way to say that nobody reads
        silence(sys.stdout)


def silence(stream: Any) -> None:
    """Let a stream that nobody reads any more lead nowhere, so that what is left in it is no error later on."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
