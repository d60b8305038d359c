"""Limits of the system, small and read-only disks."""

import os
import resource
import signal

from fault_mounts import small_file_system
from fault_registry import fault
from fault_trial import NotPossibleError, Trial


def _limited(trial: Trial, which: int, amount: int) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python has it
        resource.setrlimit(which, (amount, resource.getrlimit(which)[1]))

    trial.run(before=limit)


@fault()
def a_limit_on_the_size_of_files(trial: Trial) -> None:
    """RLIMIT_FSIZE of 0 bytes to 300 kB."""
    _limited(trial, resource.RLIMIT_FSIZE, int(10 ** trial.rng.uniform(0, 5.5)) - 1)


@fault()
def too_many_open_files(trial: Trial) -> None:
    """RLIMIT_NOFILE of 4 to 24 more than are open."""
    open_now = len(os.listdir("/proc/self/fd"))
    _limited(trial, resource.RLIMIT_NOFILE, open_now + trial.rng.randrange(4, 24))


@fault(writes=True)
def out_of_processor_time(trial: Trial) -> None:
    """RLIMIT_CPU of one second: SIGXCPU, wherever that is."""
    trial.sent |= {signal.SIGXCPU, signal.SIGKILL}
    _limited(trial, resource.RLIMIT_CPU, 1)


@fault()
def a_full_disk(trial: Trial) -> None:
    """All is on a tmpfs of 16 kB to 1 MB."""
    with small_file_system(trial, kilobytes=int(10 ** trial.rng.uniform(1.2, 3.0))):
        trial.run()


@fault()
def a_disk_without_inodes(trial: Trial) -> None:
    """All is on a tmpfs that has room for 2 to 40 more files."""
    with small_file_system(trial, inodes=trial.rng.randrange(2, 40)):
        trial.run()


@fault()
def a_read_only_disk(trial: Trial) -> None:
    """All is on a file system that is mounted read-only; a half of it may be there already."""
    if trial.rng.random() < 0.5:
        trial.killed()
    with small_file_system(trial, read_only=True):
        trial.run()


@fault()
def a_folder_that_is_not_ours(trial: Trial) -> None:
    """The folder, or all in it, belongs to another user and cannot be written in."""
    if os.getuid():
        raise NotPossibleError("only root can become another user")
    if trial.rng.random() < 0.5:
        trial.killed()
    home = {"HOME": "/nonexistent"}
    trial.run(environment=home, before=lambda: os.setuid(65534))
