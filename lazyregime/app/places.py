"""Where runs lie when nobody says otherwise."""

import os
from pathlib import Path


def runs_dir() -> Path:
    """LAZYREGIME_RUNS, or runs/ in the working directory, as conf/common.yaml has it."""
    return Path(os.environ.get("LAZYREGIME_RUNS") or "runs").expanduser()
