"""What every test shares: no tracking service, the project's data folder, one thread."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
os.environ.setdefault("LAZYREGIME_DATA", str(ROOT / "data"))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # small problems, and tests may run beside each other


@pytest.fixture
def runs_dir(tmp_path, monkeypatch):
    """Where the runs of one test go."""
    path = tmp_path / "runs"
    monkeypatch.setenv("LAZYREGIME_RUNS", str(path))
    return path
