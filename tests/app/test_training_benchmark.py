"""The benchmark of training runs and prints its ratios."""

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "training.py"


def test_the_script_prints_its_ratios():
    arguments = [sys.executable, str(SCRIPT), "--width", "16", "--batches", "2", "--rounds", "2"]
    printed = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    for ratio in ("regular / bare", "lazy / regular", "feature / regular"):
        assert re.search(rf"^{ratio} +\d+\.\d+ \(\d+\.\d+ to \d+\.\d+\)", printed, re.MULTILINE)
