"""What a run is called where it is watched."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Called:
    """Its name with what was swept, and the sweep, if it is of one."""

    name: str
    sweep: str | None = None
