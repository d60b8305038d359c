"""Standard streams that are closed, lost, full or know ASCII only."""

import os
import signal
from collections.abc import Callable

from fault_process import open_streams
from fault_registry import fault
from fault_trial import Trial


def _without(*descriptors: int) -> Callable[[], None]:
    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)
        open_streams()

    return close


@fault()
def stdout_is_closed(trial: Trial) -> None:
    """Started as `command >&-`."""
    trial.run(before=_without(1))


@fault()
def stderr_is_closed(trial: Trial) -> None:
    """Started as `command 2>&-`."""
    trial.run(before=_without(2))


@fault()
def stdin_is_closed(trial: Trial) -> None:
    """Started as `command <&-`."""
    trial.run(before=_without(0))


@fault()
def no_stream_is_open(trial: Trial) -> None:
    """Started with all three standard streams closed, by a daemon, say."""
    trial.run(before=_without(0, 1, 2))


@fault()
def head_1(trial: Trial) -> None:
    """`command | head -1`."""
    running = trial.start(pipe=True)
    running.read_line()
    trial.end(running)


@fault()
def nobody_reads(trial: Trial) -> None:
    """Its stdout is a pipe whose reader goes at a random moment."""
    running = trial.start(pipe=True)
    running.wait_for(trial.moment(0.3))
    running.close_pipe()
    trial.end(running)


@fault()
def the_terminal_is_lost(trial: Trial) -> None:
    """It runs at a terminal, with bars, which is closed at a random moment: SIGHUP, and EIO for what is printed."""
    import fcntl
    import termios

    keyboard, screen = os.openpty()

    def sit_at_it() -> None:
        os.close(keyboard)
        fcntl.ioctl(screen, termios.TIOCSCTTY, 0)
        for number in (0, 1, 2):
            os.dup2(screen, number)
        os.close(screen)
        open_streams()

    trial.sent.add(signal.SIGHUP)
    running = trial.start(before=sit_at_it, environment={"TERM": "xterm"})
    os.close(screen)
    running.wait_for(trial.moment())  # what it prints until then stays in the terminal
    os.close(keyboard)
    trial.end(running)


def _streams_to(path: str, *descriptors: int) -> Callable[[], None]:
    def lead() -> None:
        for descriptor in descriptors:
            there = os.open(path, os.O_WRONLY)
            os.dup2(there, descriptor)
            os.close(there)

    return lead


@fault()
def stdout_to_a_full_disk(trial: Trial) -> None:
    """Its stdout, or both, lead to /dev/full."""
    trial.run(before=_streams_to("/dev/full", *trial.rng.choice([(1,), (1, 2)])))


@fault()
def a_terminal_that_knows_ascii_only(trial: Trial) -> None:
    """Its streams are encoded in ASCII, strictly."""
    import sys

    trial.run(before=lambda: [s.reconfigure(encoding="ascii") for s in (sys.stdout, sys.stderr)])
