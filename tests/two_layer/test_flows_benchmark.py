"""The benchmark runs and prints a ratio for each activation."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_benchmark_prints_ratios():
    command = [sys.executable, "benchmarks/flows.py", "--width", "64", "--d", "4", "--n", "50", "--rounds", "2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert len(re.findall(r"ratio \d+\.\d\d", told)) == 5
    assert told.count("peak memory") == 2
