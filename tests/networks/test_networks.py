"""Architectures, activations and parameterizations against PyTorch's own layers, quadrature and each other."""

import math

import pytest
import scipy.integrate
import torch
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import (
    ACTIVATIONS,
    CNN,
    MLP,
    Activation,
    Centred,
    ScaledConv2d,
    ScaledLinear,
    parameter_scales,
    second_moment,
)

POSTER_COUNTS = [
    (MLP, 1024, 2_913_290), (MLP, 2048, 10_020_874), (MLP, 4096, 36_818_954),
    (CNN, 32, 173_706), (CNN, 64, 384_266), (CNN, 128, 915_978), (CNN, 256, 2_421_770),
]  # fmt: skip


@pytest.mark.parametrize(("arch", "width", "count"), POSTER_COUNTS)
def test_parameter_counts_are_the_posters(arch, width, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in arch(width).parameters()) == count


def test_the_standard_mlp_is_pytorchs_own_network():
    torch.manual_seed(3)
    network = MLP(16)
    torch.manual_seed(3)
    own = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(),
        nn.Linear(16, 10),
    )  # fmt: skip
    x = torch.randn(5, 1, 28, 28)
    assert torch.equal(network(x), own(x))


@pytest.mark.parametrize("last", [True, False])
def test_the_cnn_is_the_posters_with_and_without_its_third_relu(last):
    torch.manual_seed(3)
    network = CNN(4, last_activation=last)
    torch.manual_seed(3)
    convolutions = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)]
    own = nn.Sequential(*convolutions, nn.ReLU() if last else nn.Identity(), nn.Flatten(), nn.Linear(22 * 22 * 4, 10))
    x = torch.randn(5, 1, 28, 28)
    torch.testing.assert_close(network(x), own(x))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_normalized_activations_have_unit_second_moment(name):
    def density(z):
        return float(ACTIVATIONS[name](torch.tensor(z, dtype=torch.float64))) ** 2 * math.exp(-z * z / 2)

    moment = scipy.integrate.quad(density, -12, 12, points=[0.0], limit=200)[0] / math.sqrt(2 * math.pi)
    assert second_moment(name) == pytest.approx(moment, abs=1e-9)
    z = torch.linspace(-2, 2, 9)
    expected = ACTIVATIONS[name](z) / moment**0.5
    torch.testing.assert_close(Activation(name, normalize=True)(z), expected.float())


@pytest.mark.parametrize("shape", [(7, 12), (7, 3, 12)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_scaled_linear_layer_is_its_formula(shape, bias):
    torch.manual_seed(0)
    mlp = MLP(5, in_features=12, parameterization="mean_field", bias=bias).double()
    layer = next(m for m in mlp.modules() if isinstance(m, ScaledLinear))
    x = torch.randn(shape, dtype=torch.float64)
    expected = layer.weight_multiplier * (x @ layer.weight.T)
    if bias:
        expected = expected + layer.bias_multiplier * layer.bias
    torch.testing.assert_close(layer(x), expected)
    assert layer.weight_multiplier == pytest.approx(12**-0.5)


def test_a_scaled_convolution_is_its_formula():
    torch.manual_seed(0)
    layer = next(m for m in CNN(4, parameterization="ntk").double().modules() if isinstance(m, ScaledConv2d))
    x = torch.randn(2, 1, 6, 6, dtype=torch.float64)
    patches = nn.functional.unfold(x, 3)  # (n, 9, 16)
    expected = (layer.weight.reshape(4, 9) / 3) @ patches + layer.bias_multiplier * layer.bias[:, None]
    torch.testing.assert_close(layer(x).reshape(2, 4, 16), expected)


@pytest.mark.parametrize("parameterization", ["ntk", "mean_field"])
def test_outputs_at_initialization_scale_with_width_as_they_must(parameterization):
    x = torch.randn(1, 50)
    spread = {}
    for width in (64, 1024):
        torch.manual_seed(0)
        draws = [MLP(width, depth=2, in_features=50, parameterization=parameterization)(x).detach() for _ in range(60)]
        spread[width] = float(torch.cat(draws).std())
    ratio = spread[64] / spread[1024]
    expected = 1.0 if parameterization == "ntk" else 4.0
    assert ratio == pytest.approx(expected, rel=0.2)  # 600 draws each: about 4% of standard error


def test_every_parameter_has_a_scale():
    network = MLP(8, parameterization="mup")
    scales = parameter_scales(network)
    assert list(scales) == [name for name, _ in network.named_parameters()]
    assert scales["layers.3.weight"].sgd == pytest.approx(1.0)  # N s^2 = 8 / 8
    assert scales["layers.7.weight"].sgd == pytest.approx(8.0)


def test_the_centred_network_starts_at_zero_and_keeps_its_start():
    torch.manual_seed(0)
    network = MLP(8)
    centred = Centred(network)
    x = torch.randn(4, 784)
    assert torch.equal(centred(x), torch.zeros(4, 10))
    f0 = network(x).detach()
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.1)
    torch.testing.assert_close(centred(x), network(x) - f0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP(-3), "width=-3 is not possible"),
        (lambda: MLP(4, depth=0), "depth=0 is not possible"),
        (lambda: MLP(4, activation="rleu"), "choose one of relu, tanh"),
        (lambda: MLP(4, parameterization="ntp"), "choose one of standard, ntk"),
        (lambda: CNN(4, image_size=6), "at most 2"),
        (lambda: Centred(nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))), "dropout layer"),
        (lambda: Centred(nn.Sequential(nn.BatchNorm1d(3))), "normalizes by the batch"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(make, message):
    with pytest.raises(LazyRegimeError, match=message):
        make()
