"""Where runs lie when nobody says otherwise."""

import os
from pathlib import Path

from lazyregime.home import at_home


def runs_dir() -> Path:
    """LAZYREGIME_RUNS, or runs/ in the working directory, as conf/common.yaml has it."""
    return at_home(os.environ.get("LAZYREGIME_RUNS") or "runs")
