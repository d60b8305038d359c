"""Networks with layers of unknown scale: what works is right, what would need the scale is refused in a sentence."""

import copy

import pytest
import torch
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import (
    MLP,
    Activation,
    LayerFactory,
    parameter_scales,
    parameterization_of,
    with_scale,
)
from lazyregime.regimes import MSE, SGD, Adam, Feature, Lazy, Regular, Scaled, alpha_of, base, laziness

WIDTH, IN_FEATURES, N_OUTPUTS = 16, 6, 3


class Normed(nn.Module):
    """A network by the recipe of CONTRIBUTING, but with a norm that is PyTorch's own."""

    def __init__(self, parameterization, norm):
        super().__init__()
        make = LayerFactory(parameterization, WIDTH)
        self.width = WIDTH
        self.layers = nn.Sequential(
            make.linear(IN_FEATURES, WIDTH), norm(make), Activation("tanh"), make.linear(WIDTH, N_OUTPUTS, readout=True)
        )

    def forward(self, x):
        return self.layers(x)


def plain(make):
    return nn.GroupNorm(4, WIDTH)


def made(make):
    return make.group_norm(4, WIDTH)


def told(make):
    return with_scale(nn.GroupNorm(4, WIDTH), make.scale(1))


def foreign():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(IN_FEATURES, 8), nn.Tanh(), nn.Linear(8, N_OUTPUTS)).double()


def problem():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(12, IN_FEATURES, dtype=torch.float64, generator=generator)
    return x, torch.randint(N_OUTPUTS, (12,), generator=generator)


def descend(module, steps=30):
    x, y = problem()
    optimizer = module.configure_optimizers()
    for step in range(steps):
        optimizer.zero_grad()
        module.training_step((x, y), step).backward()
        optimizer.step()
    return module(x).detach()


def trajectories_differ_by(norm, optimizer):
    """Relative difference of F after training in ntk at alpha and in mean_field at sqrt(N) alpha."""
    ends = {}
    for parameterization, alpha in (("ntk", 0.7), ("mean_field", 0.7 * WIDTH**0.5)):
        torch.manual_seed(1)
        module = Scaled(Normed(parameterization, norm).double(), alpha=alpha, loss=MSE(), optimizer=optimizer)
        ends[parameterization] = descend(module)
    return float((ends["ntk"] - ends["mean_field"]).norm() / ends["ntk"].norm())


@pytest.mark.parametrize("optimizer", [SGD(lr=0.3), Adam(lr=0.1)], ids=["sgd", "adam"])
def test_a_norm_follows_the_law_if_its_scale_is_known_and_is_refused_else(optimizer, monkeypatch):
    assert trajectories_differ_by(made, optimizer) < 1e-9
    assert trajectories_differ_by(told, optimizer) < 1e-9
    with pytest.raises(LazyRegimeError, match=r"'layers.1' \(GroupNorm\).*steps cannot be matched.*LayerFactory"):
        trajectories_differ_by(plain, optimizer)
    monkeypatch.setattr(base, "check_scales", lambda network: None)
    assert trajectories_differ_by(plain, optimizer) > 0.01  # what the refusal is for: the law would see it


def test_the_parameterization_is_asked_of_the_object():
    for word in ("standard", "ntk", "mean_field", "mup"):
        assert parameterization_of(MLP(4, parameterization=word)) == word
        assert parameterization_of(copy.deepcopy(MLP(4, parameterization=word))) == word
        assert parameterization_of(Normed(word, made)) == word
        assert parameterization_of(Normed(word, plain)) == "unknown"
    assert parameterization_of(foreign()) == parameterization_of(nn.Identity()) == "unknown"
    without_readout = nn.Sequential(LayerFactory("ntk", 4).linear(3, 4))
    assert parameterization_of(without_readout) == "unknown"
    several = nn.Sequential(*(LayerFactory(p, 4).linear(3, 3, readout=True) for p in ("ntk", "mup")))
    assert parameterization_of(several) == "unknown"


def test_every_parameter_has_a_scale_once_and_tied_ones_if_their_layers_agree():
    make = LayerFactory("ntk", 4)
    tied = nn.Sequential(make.linear(4, 4), make.linear(4, 4), make.linear(4, 4, readout=True))
    tied[1].weight = tied[0].weight
    assert list(parameter_scales(tied)) == [name for name, _ in tied.named_parameters()]
    assert parameterization_of(tied) == "ntk"
    tied[2].weight = tied[0].weight
    assert parameterization_of(tied) == "unknown"
    with pytest.raises(LazyRegimeError, match="a parameter belongs to several layers, which have different scales"):
        Scaled(tied, alpha=1.0)


def test_an_unknown_network_has_no_laziness():
    assert laziness(3.0, foreign()) is None
    for make in (lambda: Feature(foreign()), lambda: alpha_of(1.0, foreign())):
        with pytest.raises(LazyRegimeError, match=r"layer '0' \(Linear\) and of 1 more is not known; give alpha"):
            make()
    without_width = nn.Sequential(LayerFactory("ntk", 4).linear(3, 1, readout=True))
    assert laziness(3.0, without_width) is None
    with pytest.raises(LazyRegimeError, match="no attribute `width`; give alpha itself"):
        Feature(without_width)


def test_alpha_itself_works_on_an_unknown_network_as_on_any():
    """Gradient descent at l / alpha^2 moves F at a rate free of alpha, and lazily for large alpha."""
    ends = {alpha: descend(Scaled(foreign(), alpha=alpha, loss=MSE(), optimizer=SGD(lr=0.1))) for alpha in (1e2, 1e4)}
    lazy = descend(Lazy(foreign(), loss=MSE(), optimizer=SGD(lr=0.1)))
    gaps = [float((end - lazy).norm() / lazy.norm()) for end in ends.values()]
    assert float(lazy.norm()) > 0.5
    assert gaps[0] < 0.1
    assert gaps[1] / gaps[0] == pytest.approx(0.01, rel=0.1)  # 1/alpha [COB19, theorem 2.2]
    assert Feature(foreign(), alpha=2.0).alpha == 2.0
    assert Regular(foreign()).alpha == 1.0
