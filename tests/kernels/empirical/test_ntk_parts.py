"""The kernel of some parameters is that of a network whose others are frozen; those of the layers add up."""

import copy

import pytest
import torch
from ntk_reference import ntk, relative_error
from odd_networks import ODD
from test_ntk_any_module import Transformer
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import empirical_ntk, empirical_ntk_layers
from lazyregime.networks import MLP, Linearized


def transformer() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    return Transformer().double(), torch.randint(7, (4, 5))


@pytest.mark.parametrize("params", [["up"], ["norm1", "qkv.bias"], ["embed.weight"], ["position", "mix"], [""]])
@pytest.mark.parametrize("frozen", [False, True])
def test_the_kernel_of_some_parameters(params, frozen):
    model, x = transformer()
    other = copy.deepcopy(model)
    for name, p in other.named_parameters():
        p.requires_grad_(any(n in (name, "") or name.startswith(n + ".") for n in params))
    model.requires_grad_(not frozen)
    for outputs in ("trace", "full"):
        given = empirical_ntk(model, x, x[:3], outputs=outputs, params=params)
        assert relative_error(given, ntk(other, x, x[:3], outputs)) < 1e-12
    assert all(p.requires_grad != frozen for p in model.parameters())


LAYERED = ["shared", "tied", "weight norm", "experts by mask", "LSTM", "centres of its own", "attention"]


@pytest.mark.parametrize("name", LAYERED)
def test_the_kernels_of_the_layers_add_up(name):
    model, x = ODD[name].build()
    parts = empirical_ntk_layers(model, x, outputs="diagonal")
    assert len(parts) > 1
    assert relative_error(sum(parts.values()), ntk(model, x, None, "diagonal")) < 1e-12
    for layer, part in parts.items():
        other = copy.deepcopy(model).requires_grad_(False)
        for full, p in other.named_parameters():
            p.requires_grad_(full.rpartition(".")[0] == layer)
        assert relative_error(part, ntk(other, x, None, "diagonal")) < 1e-12


def test_layers_of_a_linearized_network_are_those_of_the_network():
    torch.manual_seed(0)
    network, x = MLP(width=6, in_features=4, n_outputs=2).double(), torch.randn(5, 4).double()
    parts = empirical_ntk_layers(Linearized(network), x)
    assert relative_error(sum(parts.values()), ntk(network, x, None, "trace")) < 1e-12


@pytest.mark.parametrize(
    ("params", "says"),
    [
        (["up", "donw"], r"params names 'donw', of which the model has no parameter; its parameters are position"),
        ([], "params names nothing"),
        (["head.weight"], r"'head.weight'.*a tied parameter goes by its first name"),
    ],
)
def test_names_that_nothing_has_are_refused(params, says):
    model, x = transformer()
    with pytest.raises(LazyRegimeError, match=says):
        empirical_ntk(model, x, params=params)


def test_what_is_no_list_of_names_is_refused():
    model, x = transformer()
    with pytest.raises(LazyRegimeError, match="give a list of names"):
        empirical_ntk(model, x, params="up")
    with pytest.raises(LazyRegimeError, match="it has no params"):
        empirical_ntk_layers(model, x, params=["up"])
