"""Calls made on a thread of their own, so that what hangs there hangs nobody else."""

import queue
import threading
from collections.abc import Callable
from typing import Any

QUEUE_LENGTH = 10_000


class Worker:
    """One daemon thread that makes calls in the order in which they come."""

    def __init__(self, name: str) -> None:
        self._calls: queue.Queue[Callable[[], None]] = queue.Queue(maxsize=QUEUE_LENGTH)
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def post(self, function: Callable[[], None]) -> None:
        """Have the function called later; it must not raise.

        Raises:
            queue.Full: If the thread has not kept up, or hangs.
        """
        self._calls.put_nowait(function)

    def call(self, function: Callable[[], Any], seconds: float) -> Any:
        """The function's result; its exception is raised here.

        Raises:
            TimeoutError: If there is none after so many seconds. The call goes on; its result is lost.
        """
        outcome: list[Any] = []
        over = threading.Event()

        def catch() -> None:
            try:
                outcome.extend((function(), None))
            except BaseException as error:  # handed to the caller, below
                outcome.extend((None, error))
            over.set()

        try:
            self._calls.put(catch, timeout=seconds)
        except queue.Full:
            raise TimeoutError(f"no answer within {seconds:.0f} s") from None
        if not over.wait(seconds):
            raise TimeoutError(f"no answer within {seconds:.0f} s")
        result, error = outcome
        if error is not None:
            raise error
        return result

    def _work(self) -> None:
        while True:
            self._calls.get()()
