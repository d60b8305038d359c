"""Gates and times against definitions written out by hand."""

import pytest
import torch

from lazyregime.measure.flow_measures import half_loss_time
from lazyregime.measure.frozen_gates import frozen_gates_accuracy
from lazyregime.measure.gates import gates_of, has_gates, with_frozen_gates
from lazyregime.networks import MLP
from lazyregime.regimes import MSE, Lazy, Scaled


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


def pooled(seed):
    torch.manual_seed(seed)
    layers = [torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2, ceil_mode=True)]
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(27, 2)).double()


def test_a_frozen_pool_takes_the_pixel_that_won_at_w0():
    now, before = pooled(1), pooled(0)
    x = torch.randn(4, 2, 5, 5, dtype=torch.float64)
    on, winners = gates_of(before, lambda: before(x))
    z = (before[0](x).relu(), now[0](x) * on)
    expected = torch.empty(4, 3, 3, 3, dtype=torch.float64)
    for n, c, i, j in torch.cartesian_prod(*(torch.arange(size) for size in expected.shape)).tolist():
        rows, columns = slice(2 * i, min(2 * i + 2, 5)), slice(2 * j, min(2 * j + 2, 5))
        first = z[0][n, c, rows, columns].flatten().argmax()
        expected[n, c, i, j] = z[1][n, c, rows, columns].flatten()[first]
    frozen = with_frozen_gates(now, [on, winners], x)
    torch.testing.assert_close(frozen, now[4](expected.flatten(1)).detach())
    assert (frozen - now(x)).abs().max() > 0.01  # the pixel that wins now is another
    own = gates_of(now, lambda: now(x))
    torch.testing.assert_close(with_frozen_gates(now, own, x), now(x).detach())


def test_accuracy_behind_frozen_gates_is_that_of_the_frozen_function_less_f0():
    module = Scaled(pooled(0), alpha=2.0, loss=MSE())
    initial = pooled(0)
    with torch.no_grad():
        for p, other in zip(module.network.parameters(), pooled(1).parameters(), strict=True):
            p.copy_(other)
    x, labels = torch.randn(700, 2, 5, 5, dtype=torch.float64), torch.arange(700) % 2
    gates = gates_of(initial, lambda: initial(x))
    outputs = with_frozen_gates(module.network, gates, x) - initial(x).detach()
    right = (outputs.argmax(1) == labels).double().mean()
    assert frozen_gates_accuracy(module, initial, x, labels) == pytest.approx(float(right))
    assert right != (module(x).argmax(1) == labels).double().mean()
    assert frozen_gates_accuracy(Lazy(pooled(0)), initial, x, labels) is None
    assert frozen_gates_accuracy(Scaled(mlp("tanh"), alpha=1.0), mlp("tanh"), x, labels) is None
