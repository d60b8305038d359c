"""The package's own networks, every parameterization, against one gradient at a time."""

import pytest
import torch
from ntk_reference import ntk, relative_error

from lazyregime.kernels import empirical_ntk, explain
from lazyregime.networks import CNN, MLP, Linearized

OUTPUTS = ["trace", "full", "diagonal"]
CASES = [
    *((MLP, dict(width=16, in_features=7, n_outputs=3, parameterization=p), (7,)) for p in ("standard", "ntk", "mup")),
    *(
        (CNN, dict(width=4, image_size=9, n_outputs=3, parameterization=p), (1, 9, 9))
        for p in ("standard", "mean_field")
    ),
]


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize(("make", "options", "shape"), CASES, ids=lambda v: str(v)[:60])
def test_layer_rules_and_fallback_are_the_definition(make, options, shape, outputs):
    torch.manual_seed(0)
    model = make(**options).double()
    x1, x2 = torch.randn(4, *shape).double(), torch.randn(6, *shape).double()
    rectangular, symmetric = ntk(model, x1, x2, outputs), ntk(model, x1, None, outputs)
    for rules in ("auto", "none"):
        assert relative_error(empirical_ntk(model, x1, x2, outputs=outputs, rules=rules), rectangular) < 1e-10
        assert relative_error(empirical_ntk(model, x1, outputs=outputs, rules=rules), symmetric) < 1e-10
    flipped = rectangular.transpose(0, 1).mT if outputs == "full" else rectangular.transpose(0, 1)
    assert relative_error(empirical_ntk(model, x2, x1, outputs=outputs), flipped) < 1e-10
    single = empirical_ntk(model.float(), x1.float(), x2.float(), outputs=outputs)
    assert single.dtype == torch.float32
    assert relative_error(single, rectangular) < 1e-5


def test_every_layer_of_the_networks_has_a_rule():
    for model, x in ((MLP(width=8), torch.randn(2, 784)), (CNN(width=2), torch.randn(2, 1, 28, 28))):
        assert "fallback" not in str(explain(model, x))
        assert "fallback" in str(explain(model, x, rules="none"))


def test_linearized_has_the_kernel_of_its_network_wherever_delta_is():
    torch.manual_seed(0)
    network = MLP(width=8, in_features=5, n_outputs=2, parameterization="ntk").double()
    tangent = Linearized(network)
    x = torch.randn(4, 5).double()
    with torch.no_grad():
        for delta in tangent.delta:
            delta.normal_()
    expected = ntk(network, x)
    assert relative_error(empirical_ntk(tangent, x, outputs="full"), expected) < 1e-10
    assert relative_error(empirical_ntk(tangent, x, outputs="full", rules="none"), expected) < 1e-10
