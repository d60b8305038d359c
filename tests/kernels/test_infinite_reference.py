"""Agreement with neural-tangents 0.6.5, whose values were stored by data/make_neural_tangents.py."""

import json
from pathlib import Path

import pytest
import torch

from lazyregime.kernels import InfiniteCNN, InfiniteMLP
from lazyregime.kernels.infinite import InfiniteNetwork
from lazyregime.kernels.infinite.layers import AveragePool, Conv, Dense, LayerNorm, Pointwise, Residual

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


def layers_of(spec):
    made = []
    for kind, *options in spec:
        if kind == "residual":
            made.append(Residual(*(layers_of(part) for part in options)))
        elif kind == "conv":
            made.append(Conv(*options))
        else:
            make = {
                "dense": Dense,
                "relu": lambda: Pointwise("relu"),
                "erf": lambda: Pointwise("erf"),
                "gap": AveragePool,
                "avgpool": AveragePool,
                "layernorm": LayerNorm,
                "layernorm all": lambda: LayerNorm(over="all"),
            }[kind]
            made.append(make(*options))
    return tuple(made)


@pytest.mark.parametrize("budget", [None, 1 << 20])
@pytest.mark.parametrize("kind", ["vectors", "images"])
def test_residual_pooled_and_normalized(kind, budget):
    part = STORED[kind]
    if kind == "images":  # the first two, and 5 x 5 of their pixels
        part = {key: [[[row[:5] for row in c[:5]] for c in x] for x in part[key][:2]] for key in ("x1", "x2")}
    cases = STORED["networks"][kind]
    assert len(cases) >= 10
    for case in cases:
        spec = case["spec"] | {"layers": layers_of(case["spec"]["layers"])}
        compare(InfiniteNetwork(**spec, memory_budget=budget), part, case)
