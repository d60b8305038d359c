"""On which systems runs are computed: Linux and macOS (locks by flock); Windows only in WSL. docs/systems.md."""

import math
import os
import sys

from lazyregime.app.compose.hints import ConfigError


def check_system(name: str = sys.platform) -> None:
    """Refuse a system on which a run folder cannot be locked.

    Raises:
        ConfigError: Saying what does work there.
    """
    if name == "win32":
        raise ConfigError(
            "runs are not computed on Windows itself, which has no flock to lock a run folder with; use WSL (wsl "
            "--install, then the same commands in it). lazyregime.load_runs, .kernels, .networks and .machines work "
            "here."
        )


def memory_of_this_machine() -> float:
    """In bytes; infinite where the system does not say, so that nothing is refused for it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return math.inf
