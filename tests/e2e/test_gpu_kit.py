"""multirun_scripts/gpu.py --device cpu --tiny: every piece to its end, once; what is wrong stops the measuring."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def kit(*options, cwd):
    """The kit as one starts it from a checkout that is not installed: the package is on no path but its own."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [
        sys.executable,
        str(ROOT / "multirun_scripts/gpu.py"),
        "--device",
        "cpu",
        "--tiny",
        "--out",
        "kit",
        *options,
    ]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600)


def test_every_piece_is_done_once_and_stands_in_one_table(tmp_path):
    first = kit(cwd=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    done = json.loads((tmp_path / "kit/pieces-cpu-tiny.json").read_text())
    groups = {name.partition(":")[0] for name in done}
    assert groups == {"right", "engine", "regression", "training", "gmmm20", "gsjw20", "cob19", "adh19", "poster"}
    for name in done:
        assert name in first.stdout
    again = kit("--only", "engine,regression", cwd=tmp_path)
    assert again.returncode == 0 and "operations in float32" not in again.stdout  # all is done already
    assert kit("--only", "engin", cwd=tmp_path).returncode == 2
