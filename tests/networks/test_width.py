"""Every parameter's part of the tangent kernel is of order one at every width: norms, attention and embeddings too."""

import math

import pytest
import torch
from network_cases import ARCHITECTURES, Case

NARROW, WIDE, SEEDS = 8, 64, range(12)


def parts(case, width):
    """|df/dw|^2 over outputs and samples, for each parameter: means over draws."""
    x, found = case.inputs(2).split(1), {}
    for seed in SEEDS:
        network = case.network(seed, width=width)
        for sample in x:
            for output in network(sample)[0]:
                gradients = torch.autograd.grad(output, list(network.parameters()), retain_graph=True)
                for (name, _), gradient in zip(network.named_parameters(), gradients, strict=True):
                    found[name] = found.get(name, 0.0) + float(gradient.square().sum()) / len(SEEDS)
    return found


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_kernel_of_each_parameter_does_not_grow_with_the_width(arch):
    narrow, wide = (parts(Case(arch, "ntk"), width) for width in (NARROW, WIDE))
    rates = {name: math.log(wide[name] / narrow[name]) / math.log(WIDE / NARROW) for name in narrow}
    wrong = {name: round(rate, 2) for name, rate in rates.items() if abs(rate) > 0.5}  # nearer to N or 1/N than to 1
    assert not wrong
