"""Commands as processes that start at once: this process imports everything, and each command is a fork of it.

What is done to a command (signals, limits, closed streams) is done to a real process of its own, in a session of its
own, which ends as an interpreter does: uncaught exceptions are printed, atexit runs, the streams are flushed.
"""

import atexit
import contextlib
import importlib
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 60.0  # seconds after which a command of a second or two is stuck
DOORS = ("train", "fit", "flow", "report", "sweeps")


@dataclass
class Ended:
    """What has become of a command."""

    code: int | None  # minus the signal that ended it; None: it was stuck and had to be killed
    out: str
    err: str
    orphans: bool = False


@dataclass
class Running:
    """A command that has been started."""

    pid: int
    logs: Path
    reader: int | None = None  # of a pipe from its stdout
    heard: list[bytes] = field(default_factory=list)
    status: int | None = None

    def send(self, signum: int) -> bool:
        """Whether it was still there to get the signal."""
        if self.is_over():
            return False
        os.kill(self.pid, signum)
        return True

    def is_over(self) -> bool:
        """Whether it has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def wait_for(self, seconds: float) -> bool:
        """Let it run for so long; whether it has ended by then."""
        deadline = time.monotonic() + seconds
        while not self.is_over() and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(0.003, left))
        return self.is_over()

    def read_line(self) -> None:
        """From the pipe, as `head -1` does, and then nobody reads any more."""
        deadline = time.monotonic() + PATIENCE
        while self.reader is not None and time.monotonic() < deadline:
            if not select.select([self.reader], [], [], 0.05)[0]:
                continue
            piece = os.read(self.reader, 1)
            self.heard.append(piece)
            if piece in (b"", b"\n"):
                break
        self.close_pipe()

    def close_pipe(self) -> None:
        """Nobody reads its stdout any more."""
        if self.reader is not None:
            os.close(self.reader)
            self.reader = None

    def end(self) -> Ended:
        """Wait for its end; what is stuck is killed."""
        is_stuck = not self.wait_for(PATIENCE)
        if is_stuck:
            os.kill(self.pid, signal.SIGKILL)
            _, self.status = os.waitpid(self.pid, 0)
        self.close_pipe()
        assert self.status is not None
        code = None if is_stuck else os.waitstatus_to_exitcode(self.status)
        told = [(self.logs / name).read_text(errors="replace") for name in ("out", "err")]
        return Ended(code, *told, orphans=_ended_group(self.pid))


def start(
    argv: Sequence[str],
    cwd: Path,
    logs: Path,
    *,
    environment: Mapping[str, str] | None = None,
    before: Callable[[], object] | None = None,
    pipe: bool = False,
    note_modules: bool = False,
) -> Running:
    """Start `python -m lazyregime.NAME ...`; `before` is called in the new process."""
    logs.mkdir(parents=True, exist_ok=True)
    reader, writer = os.pipe() if pipe else (None, None)
    for name in ("out", "err"):
        (logs / name).write_bytes(b"")
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        if writer is not None:
            os.close(writer)
        return Running(pid, logs, reader)
    code = 70
    try:
        if reader is not None:
            os.close(reader)
        _become(argv, cwd, logs, environment or {}, writer)
        code = _end_of(argv, before)
        if note_modules:
            (logs / "modules").write_text("\n".join(sys.modules))
    except BaseException:
        _tell(f"Traceback of the driver:\n{traceback.format_exc()}")
    finally:
        os._exit(code)


def warm_up() -> None:
    """Import and compose once what every command would at its start; figures are written, but not drawn.

    Drawing takes most of the time of a small run, and the file is written as any other.
    """
    for name in DOORS:
        importlib.import_module(f"lazyregime.{name}")
    import torch
    from matplotlib import figure

    from lazyregime.app.api import COMMANDS
    from lazyregime.runs.clock import commit

    torch.set_num_threads(1)
    commit()
    for command in COMMANDS.values():
        list(command.source.compose_jobs(command.source.sweep(["seed=0,1"]).jobs))
    figure.Figure.savefig = _save_undrawn


def _save_undrawn(figure: Any, where: Any, **options: Any) -> None:
    from PIL import Image

    if options.get("format", "png") == "png":
        Image.radial_gradient("L").save(where, format="PNG")
    else:
        where.write(b"%PDF-1.4 " + bytes(5000))


def import_also(names: Sequence[str]) -> None:
    """Modules that a command was seen to import."""
    for name in sorted(names, key=lambda name: not name.startswith("lazyregime.")):  # ours first: they import Lightning
        if name not in sys.modules and not name.startswith("lazyregime.__"):
            try:
                importlib.import_module(name)
            except Exception:
                continue


def _become(argv: Sequence[str], cwd: Path, logs: Path, environment: Mapping[str, str], writer: int | None) -> None:
    os.setsid()
    for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    out = os.open(logs / "out", os.O_WRONLY | os.O_APPEND) if writer is None else writer
    err = os.open(logs / "err", os.O_WRONLY | os.O_APPEND)
    for descriptor, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    open_streams()
    sys.argv = [f"lazyregime.{argv[0]}", *argv[1:]]


def open_streams() -> None:
    """Python's streams, as it opens them at its start: None where there is none."""
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        try:
            stream = open(  # noqa: SIM115
                number, mode, encoding="utf-8", closefd=False, buffering=1 if name == "stderr" else -1,
                          errors="backslashreplace" if name == "stderr" else "strict")  # fmt: skip
        except OSError:
            stream = None
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _end_of(argv: Sequence[str], before: Callable[[], object] | None) -> int:
    """The exit code of the command, as the interpreter would make it."""
    try:
        if before is not None:
            before()
        code = sys.modules[f"lazyregime.{argv[0]}"].main(list(argv[1:])) or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else (0 if end.code is None else 1)
        if isinstance(end.code, str):
            _tell(end.code)
    except BaseException:
        _tell(traceback.format_exc())
        code = 1
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except BaseException:
        _tell(f"Exception ignored at the end:\n{traceback.format_exc()}")
        code = 120
    return int(code)


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())


def _ended_group(pid: int) -> bool:
    """Whether the command left processes behind; they are ended."""
    deadline = time.monotonic() + 2.0  # what it has started may need a moment to see that it is gone
    while time.monotonic() < deadline:
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.02)
    os.killpg(pid, signal.SIGKILL)
    return True
