"""A regression whose network is another one by now says so, and does not mix coefficients with a foreign kernel."""

import copy

import pytest
import torch
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import EmpiricalKernel, KernelRegression
from lazyregime.machines import KernelMachine
from lazyregime.networks import MLP, Linearized

X, Z = torch.randn(12, 4, generator=torch.Generator().manual_seed(0)), torch.randn(5, 4)
LABELS = torch.arange(12) % 3


class Net(nn.Module):
    """A layer of each kind that can change."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        self.scale, self.calls = 1.0, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1  # a counter that evaluation moves is no training
        return self.scale * self.layers(x)


def step(net: Net) -> None:
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    nn.functional.cross_entropy(net(X), LABELS).backward()
    optimizer.step()


def hidden_write(net: Net) -> None:
    net.layers[0].weight.data[0, 0] += 1e-3  # no version counter sees it


def running_mean(net: Net) -> None:
    net.layers[1].running_mean += 0.1


def scale(net: Net) -> None:
    net.scale = 2.0


def activation(net: Net) -> None:
    net.layers[2] = nn.Tanh()


def mode(net: Net) -> None:
    net.layers[3].train()


def frozen(net: Net) -> None:
    net.layers[0].weight.requires_grad_(False)


def slope(net: Net) -> None:
    net.layers[1].eps = 0.1


CHANGES = [step, hidden_write, running_mean, scale, activation, mode, frozen, slope]


def trace(net: nn.Module) -> EmpiricalKernel:
    return EmpiricalKernel(net, outputs="trace")


RIDGE = {"n_outputs": 3, "relative_ridge": 1e-2}
MACHINES = {
    "full": lambda net: KernelRegression(net, **RIDGE).fit(X, LABELS),
    "trace": lambda net: KernelRegression(trace(net), **RIDGE).fit(X, LABELS),
    "poster": lambda net: KernelRegression(trace(net), protocol="poster", **RIDGE).fit(X, LABELS),
    "machine": lambda net: KernelMachine(trace(net), precision="float32").fit(X, LABELS.double()),
    "cg": lambda net: KernelRegression(net, solver="cg", tolerance=1e-4, **RIDGE).fit(X, LABELS),
}


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_by_every_machine(change, name):
    net = Net().eval()
    machine = MACHINES[name](net)
    machine.predict(Z)
    change(net)
    with pytest.raises(LazyRegimeError, match="has changed since the fit"):
        machine.predict(Z)


@pytest.mark.parametrize("name", MACHINES)
def test_nothing_is_refused_that_has_not_changed(name):
    net = Net().eval()
    machine = MACHINES[name](net)
    first = machine.predict(Z)
    net(X)
    net.layers[0].weight.grad = torch.ones_like(net.layers[0].weight)
    assert net.calls > 0 and torch.equal(machine.predict(Z), first)


def test_the_offset_counts_and_a_copy_is_safe():
    net, other = Net().eval(), Net().eval()
    regression = KernelRegression(net, offset=other, n_outputs=3, relative_ridge=1e-3).fit(X, LABELS)
    regression.predict(Z)
    scale(other)
    with pytest.raises(LazyRegimeError, match=r"the offset's the model\.scale"):
        regression.predict(Z)
    kept = KernelRegression(copy.deepcopy(net), n_outputs=3, relative_ridge=1e-3).fit(X, LABELS)
    first = kept.predict(Z), kept.decision_values
    step(net)
    assert torch.equal(kept.predict(Z), first[0]) and torch.equal(kept.decision_values, first[1])


def test_the_kernel_of_a_linearized_network_does_not_move_when_it_is_trained():
    linear = Linearized(MLP(8, depth=1, in_features=4, n_outputs=3))
    regression = KernelRegression(linear, n_outputs=3, relative_ridge=1e-3).fit(X, LABELS)
    first = regression.predict(Z)
    with torch.no_grad():
        for delta in linear.delta:
            delta += 1.0
    assert torch.equal(regression.predict(Z), first)


def test_samples_that_are_written_to_after_the_fit_do_not_matter():
    x = X.double()
    regression = KernelRegression(Net().double().eval(), n_outputs=3, relative_ridge=1e-3).fit(x, LABELS)
    machine = KernelMachine().fit(x, LABELS.double())
    first = regression.predict(Z.double()), machine.predict(Z.double())
    x.zero_()
    assert torch.equal(regression.predict(Z.double()), first[0])
    assert torch.equal(machine.predict(Z.double()), first[1])
