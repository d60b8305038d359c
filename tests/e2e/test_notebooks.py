"""The notebooks of docs/ run from top to bottom, and what they show is shown by the same cells."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def kinds(notebook):
    return [sorted({o["output_type"] for o in cell.get("outputs", ())}) for cell in notebook.cells]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook's machinery, not of the notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    stored = nbformat.read(path, 4)
    nbformat.validate(stored)
    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert kinds(notebook) == kinds(stored)
    assert "error" not in {kind for cell in kinds(stored) for kind in cell}


def test_there_are_two():
    assert [path.stem for path in NOTEBOOKS] == ["kernels", "regimes"]
