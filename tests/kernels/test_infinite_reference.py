"""Agreement with neural-tangents 0.6.5, whose values were stored by data/make_neural_tangents.py."""

import json
from pathlib import Path

import pytest
import torch

from lazyregime.kernels import InfiniteCNN, InfiniteMLP

STORED = json.loads((Path(__file__).parent / "data" / "neural_tangents.json").read_text())


def name(case: dict) -> str:
    return "-".join(str(v) for v in case["spec"].values())


def compare(kernel, inputs, case):
    x1, x2 = (torch.tensor(inputs[key], dtype=torch.float64) for key in ("x1", "x2"))
    for key, other in (("symmetric", None), ("cross", x2)):
        nngp, ntk = kernel.kernels(x1, other)
        torch.testing.assert_close(nngp, torch.tensor(case[key]["nngp"], dtype=torch.float64), rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(ntk, torch.tensor(case[key]["ntk"], dtype=torch.float64), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("case", STORED["vectors"]["cases"], ids=name)
def test_fully_connected(case):
    compare(InfiniteMLP(**case["spec"]), STORED["vectors"], case)


@pytest.mark.parametrize("case", STORED["images"]["cases"], ids=name)
def test_convolutional(case):
    compare(InfiniteCNN(**case["spec"]), STORED["images"], case)
