"""Gates and times against definitions written out by hand."""

import pytest
import torch

from lazyregime.measure.flow_measures import half_loss_time
from lazyregime.measure.gates import gates_of, has_gates, with_frozen_gates
from lazyregime.networks import MLP


def mlp(activation="relu"):
    torch.manual_seed(0)
    return MLP(9, depth=2, in_features=5, n_outputs=1, activation=activation, normalize_activation=True).double()


def test_frozen_gates_are_products_with_masks():
    now, before = mlp(), mlp()
    with torch.no_grad():
        for p in now.parameters():
            p.add_(torch.randn(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(p.numel())))
    x = torch.randn(7, 5, dtype=torch.float64)
    gates = gates_of(before, lambda: before(x))
    assert any(not torch.equal(a, b) for a, b in zip(gates, gates_of(now, lambda: now(x)), strict=True))
    layers = [layer for layer in now.layers if isinstance(layer, torch.nn.Linear)]
    z = x
    for layer, gate in zip(layers, gates, strict=False):
        z = layer(z) * gate * 2**0.5  # E[relu(Z)^2] = 1/2
    torch.testing.assert_close(with_frozen_gates(now, gates, x), layers[-1](z).detach())
    # with the gates of the moment it is the network itself
    own = gates_of(now, lambda: now(x))
    torch.testing.assert_close(with_frozen_gates(now, own, x), now(x).detach())


def test_only_relus_have_gates():
    assert has_gates(mlp())
    assert not has_gates(mlp("tanh"))


def test_the_half_loss_time_of_an_exponential_is_its_half_life():
    rate = 0.3
    times = [0.0, *torch.logspace(-3, 2, 26, dtype=torch.float64).tolist()]
    rows = [{"time": t, "train_loss": 2.0 * torch.exp(torch.tensor(-rate * t)).item()} for t in times]
    assert half_loss_time(rows) == pytest.approx(0.6931 / rate, rel=0.02)
    assert half_loss_time(rows[:3]) is None
