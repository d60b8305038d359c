"""A notice to leave: SLURM says USR2 before it takes the node away or the time is up, and some sites say only TERM.

While work is under way that saves itself it is only remembered, until that work calls `leave` at a point where all is
saved. At any other moment it ends at once what is being done, which is safe, since every file is written whole.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any, NoReturn, final


class Leaving(SystemExit):
    """All is saved, and the process ends because it was told to."""

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum

    @property
    def why(self) -> str:
        """The signal's name."""
        return signal.Signals(self.signum).name


@final
class Notice:
    """Whether this process has been told to leave."""

    def __init__(self) -> None:
        self.signum = 0  # of the signal that was given; 0 if none was
        self._depth = 0  # of `deferred` blocks
        self._over = True  # until somebody listens
        self._pid = os.getpid()

    @contextlib.contextmanager
    def listening(self) -> Iterator["Notice"]:
        """Handle the signals; what handled them before does so again afterwards. Only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        self.signum, self._depth, self._over, self._pid = 0, 0, False, os.getpid()
        before: dict[int, Any] = {signum: signal.getsignal(signum) for signum in _signals()}
        self.listen()
        try:
            yield self
        finally:
            self.signum, self._over = 0, True  # it was for what listened
            for signum, handler in before.items():
                signal.signal(signum, signal.SIG_DFL if handler is None else handler)

    def listen(self) -> None:
        """Handle the signals, also where somebody else has begun to meanwhile, as Lightning's Trainer does."""
        if self._listens:
            for signum in _signals():
                signal.signal(signum, self._handle)

    @contextlib.contextmanager
    def deferred(self, *, interrupts: bool = False) -> Iterator[None]:
        """Only remember a notice; the block looks at `signum` itself, and so does its end.

        Args:
            interrupts: Whether Ctrl-C is one, too; the second one interrupts at once.
        """
        self.listen()
        before = signal.getsignal(signal.SIGINT)
        taken = interrupts and before is signal.default_int_handler and self._listens
        if taken:
            signal.signal(signal.SIGINT, self._interrupted)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if taken:
                signal.signal(signal.SIGINT, before)
        if self.signum and not self._depth:
            self.leave()

    def leave(self) -> NoReturn:
        """End the process by way of everything that has to be closed.

        Raises:
            Leaving: If it was told to.
            KeyboardInterrupt: If it was told by Ctrl-C.
        """
        self._over = True  # a second notice must not disturb the leaving
        if self.signum == signal.SIGINT:
            raise KeyboardInterrupt
        raise Leaving(self.signum or signal.SIGTERM)

    @property
    def _listens(self) -> bool:
        return not self._over and threading.current_thread() is threading.main_thread()

    def _interrupted(self, signum: int, frame: Any) -> None:
        if self._over or self.signum == signum or os.getpid() != self._pid:
            raise KeyboardInterrupt
        self.signum = self.signum or signum

    def _handle(self, signum: int, frame: Any) -> None:
        if self._over or os.getpid() != self._pid:  # a forked child has the handler too
            return
        self.signum = signum
        if not self._depth:
            self.leave()


NOTICE = Notice()  # signals belong to the process


def _signals() -> list[int]:
    announced = getattr(signal, "SIG" + os.environ.get("SUBMITIT_PREEMPT_SIGNAL", "USR2"), signal.SIGTERM)
    return [announced, signal.SIGTERM] if "SLURM_JOB_ID" in os.environ else [signal.SIGTERM]
