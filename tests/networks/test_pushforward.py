"""Module by module against `torch.func.jvp` of the whole network, in float64."""

import copy
from itertools import pairwise
from types import MethodType

import pytest
import torch
from torch import nn
from torch.func import functional_call, jvp
from torch.utils.flop_counter import FlopCounterMode

from lazyregime.networks import CNN, MLP, PARAMETERIZATIONS, Linearized, TwoLayer
from lazyregime.networks._pushforward import stages
from lazyregime.regimes import Adam, Lazy

N_SAMPLES = 4


class Twice(nn.Linear):
    """A layer that is not linear in its weight."""

    def forward(self, x):
        return super().forward(super().forward(x))


class Residual(nn.Module):
    """A network that is no chain."""

    def __init__(self):
        super().__init__()
        self.inner, self.scale = nn.Sequential(nn.Linear(6, 6), nn.Tanh()), nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        return x + self.scale * self.inner(x)


def used_twice():
    layer = nn.Linear(6, 6)
    return nn.Sequential(layer, nn.Tanh(), layer)


def tied():
    network = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))
    network[2].weight = network[0].weight
    return network


def hooked(index):
    network = nn.Sequential(nn.Linear(6, 6), nn.Sequential(nn.Tanh(), nn.Linear(6, 3)))
    list(network.modules())[index].register_forward_hook(lambda module, args, output: output**2)
    return network


def own_forward():
    network = nn.Sequential(nn.Linear(6, 6), nn.Tanh())
    layer = network[0]
    layer.forward = MethodType(lambda self, x: nn.functional.linear(x, self.weight**2, self.bias), layer)
    return network


def parametrized():
    layer = nn.utils.parametrize.register_parametrization(nn.Linear(6, 5), "weight", nn.Tanh())
    return nn.Sequential(layer, nn.ReLU(inplace=True), nn.LayerNorm(5))


NETWORKS = {
    **{f"mlp {p}": (lambda p=p: MLP(5, in_features=6, n_outputs=3, parameterization=p)) for p in PARAMETERIZATIONS},
    "mlp without biases": lambda: MLP(5, in_features=6, n_outputs=3, parameterization="ntk", bias=False),
    "mlp gelu, normalized": lambda: MLP(5, in_features=6, activation="gelu", normalize_activation=True),
    "two_layer": lambda: TwoLayer(5, in_features=6, parameterization="mean_field"),
    "chain": lambda: nn.Sequential(nn.Linear(6, 5), nn.Sequential(nn.ReLU(), nn.Linear(5, 4, bias=False)), nn.GELU()),
    "activation first": lambda: nn.Sequential(nn.Tanh(), nn.Linear(6, 3)),
    "one layer": lambda: nn.Linear(6, 3),
    "parameters that are not layers": lambda: nn.Sequential(nn.Linear(6, 6), Residual(), nn.LayerNorm(6)),
    "no chain": Residual,
    "another forward": lambda: nn.Sequential(Twice(6, 6), nn.Tanh()),
    "a layer used twice": used_twice,
    "tied weights": tied,
    "a hook on the network": lambda: hooked(0),
    "a hook on a layer": lambda: hooked(1),
    "a hook on a chain inside": lambda: hooked(2),
    "a forward of its own": own_forward,
    "a parametrized weight, in place": parametrized,
    "cnn standard": lambda: CNN(3, image_size=8, n_outputs=2),
    "cnn ntk": lambda: CNN(3, image_size=8, n_outputs=2, parameterization="ntk"),
    "1d": lambda: nn.Sequential(
        nn.Conv1d(1, 2, 3, padding=1, padding_mode="circular"), nn.Tanh(), nn.Conv1d(2, 2, 2), nn.Flatten()
    ),
    "3d": lambda: nn.Sequential(nn.Conv3d(1, 2, 2, stride=2), nn.Tanh(), nn.Conv3d(2, 2, 1, groups=2), nn.Flatten()),
}
SHAPES = {"cnn standard": (1, 8, 8), "cnn ntk": (1, 8, 8), "1d": (1, 6), "3d": (1, 4, 4, 4)}


def problem(name):
    torch.manual_seed(3)
    network = NETWORKS[name]().double()
    linear = Linearized(network)
    with torch.no_grad():
        for d in linear.delta:
            d.normal_()
    return network, linear, torch.randn(N_SAMPLES, *SHAPES.get(name, (6,)), dtype=torch.float64)


def reference(network, linear, x):
    """The definition, by forward mode through the whole network."""
    w = {name: p.detach() for name, p in network.named_parameters()}
    delta = dict(zip(w, linear.delta, strict=True))
    return jvp(lambda w: functional_call(network, w, (x,)), (w,), (delta,))[1]


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients_are_those_of_jvp(name):
    network, linear, x = problem(name)
    x.requires_grad_()
    expected, found = reference(network, linear, x), linear(x)
    assert float(expected.detach().abs().max()) > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    g = torch.randn_like(found)
    gradients = [torch.autograd.grad(y, [x, *linear.delta], g) for y in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_what_is_a_chain():
    assert [name for name, _ in stages(MLP(3, depth=1))] == ["layers.0.", "layers.1.", "layers.2.", "layers.3."]
    for name in ("no chain", "tied weights", "a layer used twice", "a hook on the network"):
        assert [prefix for prefix, _ in stages(NETWORKS[name]())] == [""]


def test_training_takes_the_path_of_jvp():
    x, labels = torch.randn(12, 6, dtype=torch.float64), torch.arange(12) % 3
    torch.manual_seed(3)
    start = MLP(16, in_features=6, n_outputs=3, parameterization="ntk").double()

    def train(forward):
        module = Lazy(copy.deepcopy(start), optimizer=Adam(lr=0.1))
        optimizer = module.configure_optimizers()
        for _ in range(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(forward(module, x), labels).backward()
            optimizer.step()
        return module(x).detach()

    ours = train(lambda module, x: module(x))
    theirs = train(lambda module, x: reference(module.function.network, module.function, x))
    assert float(ours.abs().max()) > 0.5  # something was learned
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_a_step_makes_five_products_a_layer():
    sizes = [8, 16, 16, 16, 4]
    linear, x = Linearized(MLP(16, in_features=8, n_outputs=4)), torch.randn(N_SAMPLES, 8)
    with FlopCounterMode(display=False) as flops:
        linear(x).sum().backward()
    per_layer = [2 * N_SAMPLES * m * n for m, n in pairwise(sizes)]
    # f(x; w0), f(x; delta), the gradient of delta; and but for the first layer f(xdot; w0) and its transpose
    assert flops.get_total_flops() == 3 * sum(per_layer) + 2 * sum(per_layer[1:])
