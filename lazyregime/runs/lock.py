"""One run, one writer: an advisory lock that ends with the process that holds it, kill -9 included.

The kernel's lock (flock) decides wherever it reaches. A shared file system may keep it to one machine; a holder on
another host is therefore judged by what the file says, by what SLURM says of its job, and by its age: the holder
touches it every half a minute.
"""

import contextlib
import errno
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lazyregime.errors import LazyRegimeError
from lazyregime.runs.clock import utc_now
from lazyregime.runs.slurm_queue import state_of

try:
    import fcntl
except ImportError:  # Windows: runs can be read there, and none is computed (lazyregime/app/compose/system.py)
    fcntl = None

HEARTBEAT_SECONDS = 30.0
DEAD_AFTER_SECONDS = 300.0  # without a heartbeat, and only for a holder on another host
_PATIENCE_SECONDS = 0.5  # `holder` takes the lock for an instant to see whether it is free

_held_descriptors: set[int] = set()
_KINDS = {"host": str, "pid": int, "slurm_job_id": str | None, "slurm_restart_count": int}  # what is judged by


@dataclass(frozen=True)
class Holder:
    """Who writes a run."""

    host: str
    pid: int
    process_started: str | None  # in ticks since boot: a process id can be given again, this pair cannot
    slurm_job_id: str | None
    slurm_restart_count: int
    command: str
    since: str

    @staticmethod
    def this_process(command: str) -> "Holder":
        """The holder that this process would be."""
        return Holder(
            host=socket.gethostname(),
            pid=os.getpid(),
            process_started=_process_started(os.getpid()),
            slurm_job_id=os.environ.get("SLURM_JOB_ID"),
            slurm_restart_count=_restarts(),
            command=command,
            since=utc_now(),
        )

    def __str__(self) -> str:
        job = f" (SLURM job {self.slurm_job_id})" if self.slurm_job_id else ""
        return f"process {self.pid} on host {self.host}{job} since {self.since}"


@contextlib.contextmanager
def lock(path: Path, *, command: str = "train") -> Iterator[None]:
    """Hold the lock file `path` for the length of a with block; it is removed at the end.

    Raises:
        LazyRegimeError: If a living process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _acquire(path)
    _held_descriptors.add(descriptor)
    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(descriptor, over), name="run-lock-heartbeat", daemon=True)
    try:
        content = json.dumps(asdict(Holder.this_process(command)), indent=1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, content.encode(), 0)
        heart.start()
        yield
    finally:
        over.set()
        if heart.ident is not None:
            heart.join()
        if _is_current(path, descriptor):
            path.unlink(missing_ok=True)
        _held_descriptors.discard(descriptor)
        os.close(descriptor)


def holder(path: Path) -> Holder | None:
    """Who holds the lock file now; None when nobody does. Never disturbs the one who does."""
    if not path.is_file():  # a pipe in its place would be waited for
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # gone meanwhile, or somebody else's
        return None
    try:
        return None if fcntl is None else _judge(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _acquire(path: Path) -> int:
    """A descriptor of the lock file with the lock on it."""
    if fcntl is None:
        raise LazyRegimeError(f"{path} cannot be locked on this system, which has no flock; write runs on another.")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise LazyRegimeError(f"{path} is a link, and nothing is written through it; take it away.") from error
        other = _judge(descriptor, fcntl.LOCK_EX)
        if other is None and _is_current(path, descriptor):
            return descriptor
        os.close(descriptor)
        if other is not None and time.monotonic() > deadline:
            raise LazyRegimeError(_busy(path, other))
        time.sleep(0.02)


def _judge(descriptor: int, operation: int) -> Holder | None:
    """The living holder; None if there is none, and then the lock is taken as `operation` says."""
    assert fcntl is not None
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        has_locks = True
    except BlockingIOError:
        return _read(descriptor) or Holder("unknown", 0, None, None, 0, "", "a moment ago")
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        has_locks = False  # a file system without locks
    other = _read(descriptor)
    if other is None:
        return None
    if other.host == socket.gethostname():  # had it lived, the lock would be taken: what a process holds goes with it
        return None if has_locks or _process_started(other.pid) != other.process_started else other
    if time.time() - os.fstat(descriptor).st_mtime > DEAD_AFTER_SECONDS:
        return None
    me = Holder.this_process("")
    requeued = other.slurm_job_id is not None and other.slurm_job_id == me.slurm_job_id
    if requeued and other.slurm_restart_count < me.slurm_restart_count:
        return None
    over = other.slurm_job_id is not None and state_of(other.slurm_job_id) == ""
    return None if over else other


def _busy(path: Path, other: Holder) -> str:
    """What the user reads who starts a run that is running."""
    where = f"The run {path.parent} is being written by {other}"
    if other.host in (socket.gethostname(), "unknown"):
        return f"{where}; wait for it, or end that process (its lock goes with it) and give the command again."
    return (
        f"{where}, whose last sign of life is from {time.strftime('%H:%M:%S', time.localtime(path.stat().st_mtime))}; "
        f"wait for it, or end it there (after {DEAD_AFTER_SECONDS / 60:.0f} minutes without a sign of life it counts "
        f"as dead; if you know that it is, delete {path})."
    )


def _read(descriptor: int) -> Holder | None:
    """What the lock file says; None for an empty or a half-written one."""
    try:
        content: dict[str, Any] = json.loads(os.pread(descriptor, 65536, 0))
        return Holder(**content) if all(isinstance(content[k], kind) for k, kind in _KINDS.items()) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _is_current(path: Path, descriptor: int) -> bool:
    """Whether the descriptor is of the file that has this name now, not of one removed meanwhile."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _beat(descriptor: int, over: threading.Event) -> None:
    while not over.wait(HEARTBEAT_SECONDS):
        with contextlib.suppress(OSError):  # a network file system may be away for a while
            os.utime(descriptor)


def _restarts() -> int:
    count = os.environ.get("SLURM_RESTART_COUNT", "")
    return int(count) if count.isdecimal() else 0


def _process_started(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:  # no /proc on this system
        return None


def _leave_to_parent() -> None:
    """A forked child shares the lock's open file; without this it would keep the lock after its parent's death."""
    while _held_descriptors:
        os.close(_held_descriptors.pop())


os.register_at_fork(after_in_child=_leave_to_parent)
