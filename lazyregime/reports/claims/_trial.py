"""Made-up runs for the trials of claims: as complete as load_runs would read them, with arrays where needed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from lazyregime.reports.load import as_table


def made_up(runs: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A table of complete runs with these columns."""
    base = {"status": "complete", "reason": "", "command": "train", "regime": "scaled", "arch": "mlp", "seed": 0}
    return as_table([{**base, "path": f"run-{number}", **run} for number, run in enumerate(runs)])


def with_arrays(folder: Path, name: str, arrays: Mapping[str, np.ndarray]) -> str:
    """The path of a run that keeps these arrays."""
    path = folder / name
    path.mkdir(parents=True, exist_ok=True)
    save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, path / "kernels.safetensors")
    return str(path)
