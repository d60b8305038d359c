"""The benchmark's own implementations compute the kernel, and its script runs and prints a ratio."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ntk_reference import ntk, relative_error

from lazyregime.networks import MLP

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "ntk.py"


@pytest.mark.parametrize("method", ["jacobian_contraction", "ntk_vector_products"])
def test_the_tutorials_ways_are_the_definition(method):
    spec = importlib.util.spec_from_file_location("benchmark_ntk", SCRIPT)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    torch.manual_seed(0)
    model, x1, x2 = MLP(width=6, in_features=4, n_outputs=3), torch.randn(3, 4), torch.randn(2, 4)
    assert relative_error(getattr(benchmark, method)(model, x1, x2), ntk(model, x1, x2, "trace")) < 1e-5


def test_the_script_prints_its_table():
    arguments = [sys.executable, str(SCRIPT), "--case", "small-mlp", "--repeats", "1", "--threads", "1"]
    printed = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    assert "GFLOP/s" in printed and "failed" not in printed
    assert [line.split("  ")[0] for line in printed.splitlines()[3:]] == [
        "lazyregime",
        "PyTorch tutorial, jacobian contraction",
        "PyTorch tutorial, ntk-vector products",
    ]
