"""What is remembered of an earlier call is used only if every batch does what was proven; no kernel changes."""

from types import MethodType

import pytest
import torch
from ntk_reference import ntk, relative_error
from torch import Tensor, nn
from torch.nn import functional as F

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import empirical_ntk
from lazyregime.kernels.empirical import _chain, _ntk, _remembered
from lazyregime.networks import CNN, MLP


@pytest.fixture(autouse=True)
def surveys(monkeypatch):
    """How often a model was surveyed; small chains too."""
    monkeypatch.setattr(_chain, "_SMALL", 0)
    _remembered.forget()
    done = []
    survey = _ntk.survey
    monkeypatch.setattr(_ntk, "survey", lambda *given: done.append(1) or survey(*given))
    yield done
    _remembered.forget()


SWITCH = {"way": "plain"}


class Switching(nn.Module):
    """A forward pass that something outside decides on, which no attribute shows."""

    def __init__(self) -> None:
        super().__init__()
        self.lin, self.last = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.lin(x)
        if SWITCH["way"] == "mixing":
            y = y - y.mean(0)
        if SWITCH["way"] == "random":
            y = F.dropout(y, 0.5, training=True)
        if SWITCH["way"] == "sine":
            return self.last(torch.sin(y))
        if SWITCH["way"] == "own":
            return self.last(Twice.apply(torch.tanh(y)))
        if SWITCH["way"] == "cut":
            return F.linear(torch.tanh(F.linear(x, self.lin.weight.data, self.lin.bias)), self.last.weight.data)
        if SWITCH["way"] == "uncut":
            return F.linear(torch.tanh(F.linear(x, self.lin.weight, self.lin.bias)), self.last.weight.data)
        if SWITCH["way"] == "detached":
            y.detach_()
        if SWITCH["way"] == "first output":
            return (self.last(torch.tanh(y)), self.last(torch.sin(y)))[0]
        if SWITCH["way"] == "second output":
            return (self.last(torch.tanh(y)), self.last(torch.sin(y)))[1]
        if SWITCH["way"] == "routed":
            return torch.cat([self.last(row[None]) if row[0] > 0 else self.last(2 * row[None]) for row in y])
        if SWITCH["way"] == "twice":
            return self.last(torch.tanh(y) * 1.0 + 0 * self.lin(2 * x))
        return self.last(torch.tanh(y))


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g.flip(0)


def batch(n: int, *shape: int) -> Tensor:
    return torch.randn(n, *shape).double()


@pytest.mark.parametrize("make", [lambda: MLP(width=8, in_features=4, n_outputs=3), lambda: nn.LSTM(4, 3)])
def test_an_equal_network_needs_no_survey_and_has_its_own_kernel(make, surveys):
    torch.manual_seed(0)
    x, z = batch(5, 4), batch(3, 4)

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = make()

        def forward(self, x: Tensor) -> Tensor:
            y = self.inner(x[None] if isinstance(self.inner, nn.LSTM) else x)
            return y[0][0] if isinstance(y, tuple) else y

    for _ in range(3):
        model = Wrapped().double()
        for how in ("trace", "full"):
            assert relative_error(empirical_ntk(model, x, z, outputs=how), ntk(model, x, z, how)) < 1e-10
    assert len(surveys) == 1
    assert relative_error(empirical_ntk(model, z[:2]), ntk(model, z[:2], None, "trace")) < 1e-10  # other numbers of
    assert relative_error(empirical_ntk(model, z[:1]), ntk(model, z[:1], None, "trace")) < 1e-10  # rows are proven
    assert len(surveys) == 1
    model.inner.requires_grad_(False)
    next(model.parameters()).requires_grad_(True)
    assert relative_error(empirical_ntk(model, x, z), ntk(model, x, z, "trace")) < 1e-10
    assert len(surveys) == 2


def test_float32_images_in_the_layout_of_the_convolutions(surveys):
    torch.manual_seed(0)
    x, z = torch.randn(4, 1, 8, 8), torch.randn(3, 1, 8, 8)
    for _ in range(2):
        model = CNN(width=3, image_size=8, n_outputs=3)
        assert relative_error(empirical_ntk(model, x, z), ntk(model, x, z, "trace")) < 1e-5
    assert len(surveys) == 1


@pytest.mark.parametrize(
    ("way", "says"),
    [("mixing", "mixes the samples"), ("random", "draws random"), ("own", "no function of x")],
)
def test_a_network_that_does_something_else_now_is_surveyed_and_refused(way, says, surveys):
    torch.manual_seed(0)
    model, x = Switching().double(), batch(4, 4)
    SWITCH["way"] = "plain"
    try:
        empirical_ntk(model, x)
        empirical_ntk(model, x)
        assert len(surveys) == 1
        SWITCH["way"] = way
        with pytest.raises(LazyRegimeError, match=says):
            empirical_ntk(model, x)
    finally:
        SWITCH["way"] = "plain"
    assert relative_error(empirical_ntk(model, x), ntk(model, x, None, "trace")) < 1e-10


@pytest.mark.parametrize(
    "ways",
    [
        ("plain", "sine"),
        ("plain", "twice"),
        ("plain", "detached"),
        ("plain", "routed"),
        ("uncut", "cut"),
        ("first output", "second output"),
    ],
)
def test_another_way_has_another_kernel(ways, surveys):
    torch.manual_seed(0)
    model, x = Switching().double(), batch(4, 4)
    for now in (*ways, *ways):
        SWITCH["way"] = now
        try:
            assert relative_error(empirical_ntk(model, x), ntk(model, x, None, "trace")) < 1e-10
        finally:
            SWITCH["way"] = "plain"


class Table(nn.Module):
    """Rows of a table by indices that a buffer holds."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.out = nn.Embedding(5, 4), nn.Linear(4, 2)
        self.register_buffer("places", torch.tensor([0, 1, 2]))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.tanh(x + self.table(self.places)).mean(1))


def test_indices_that_a_buffer_holds_count(surveys):
    torch.manual_seed(0)
    model, x = Table().double(), batch(4, 3, 4)
    for places in ([0, 1, 2], [2, 1, 0], [3, 3, 3], [0, 1, 2]):
        model.places.copy_(torch.tensor(places))
        assert relative_error(empirical_ntk(model, x), ntk(model, x, None, "trace")) < 1e-10


class Scaled(nn.Module):
    """What attributes decide on."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)
        self.scale, self.skips, self.options = 1.0, False, {"order": "first"}
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x) if self.options["order"] == "first" else self.second(x)
        y = torch.tanh(y) * self.scale
        if not self.skips:
            y = torch.relu(self.second(y))
        return self.last(self.drop(y))


def _replaced(model):
    model.second = nn.Linear(4, 4, bias=False).double()


def _tied(model):
    model.second.weight = model.first.weight


def _overlaid(model):
    model.second.weight.data = model.first.weight.data


def _monkeypatched(model):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, 2 * self.bias)

    model.first.forward = MethodType(forward, model.first)


def _swapped(model):
    model.first, model.second = model.second, model.first


CHANGES = {
    "attribute": lambda model: setattr(model, "scale", 3.0),
    "branch": lambda model: setattr(model, "skips", True),
    "inside a dictionary": lambda model: model.options.update(order="second"),
    "hook on a layer": lambda model: model.first.register_forward_hook(lambda module, args, y: 2 * y),
    "hook on inputs": lambda model: model.second.register_forward_pre_hook(lambda module, args: (args[0].sin(),)),
    "hook on gradients": lambda model: model.second.register_full_backward_hook(lambda module, g, h: (3 * g[0],)),
    "monkeypatched": _monkeypatched,
    "replaced": _replaced,
    "tied": _tied,
    "overlaid": _overlaid,
    "swapped": _swapped,
    "numbers": lambda model: model.first.weight.data.mul_(2),
    "frozen": lambda model: model.first.requires_grad_(False),
    "one frozen": lambda model: model.second.bias.requires_grad_(False),
    "normalized": lambda model: nn.utils.parametrizations.weight_norm(model.second),
    "another class": lambda model: setattr(model, "last", nn.Sequential(nn.ReLU(), nn.Linear(4, 2).double())),
    "train mode": lambda model: model.train(),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_whatever_changes_between_two_calls_the_kernel_is_right_or_refused(change):
    torch.manual_seed(0)
    model, x, z = Scaled().double().eval(), batch(5, 4), batch(3, 4)
    for _ in range(2):
        assert relative_error(empirical_ntk(model, x, z), ntk(model, x, z, "trace")) < 1e-10
    CHANGES[change](model)
    for _ in range(2):
        if change == "train mode":
            with pytest.raises(LazyRegimeError, match="random in train mode"):
                empirical_ntk(model, x, z)
        else:
            assert relative_error(empirical_ntk(model, x, z), ntk(model, x, z, "trace")) < 1e-10


def test_a_forward_pass_exchanged_in_the_class(monkeypatch):
    torch.manual_seed(0)
    model, x = Scaled().double().eval(), batch(5, 4)
    empirical_ntk(model, x)
    monkeypatch.setattr(Scaled, "forward", lambda self, x: self.last(torch.sin(self.second(self.first(x)))))
    assert relative_error(empirical_ntk(model, x), ntk(model, x, None, "trace")) < 1e-10
    monkeypatch.setattr(nn.Linear, "forward", lambda self, x: F.linear(x, 2 * self.weight, self.bias))
    assert relative_error(empirical_ntk(model, x), ntk(model, x, None, "trace")) < 1e-10


def test_bits_are_those_of_the_first_call(surveys):
    torch.manual_seed(0)
    model, x, z = MLP(width=64, in_features=30), torch.randn(50, 30), torch.randn(33, 30)
    for outputs in ("trace", "full", "diagonal"):
        _remembered.forget()
        first = empirical_ntk(model, x, z, outputs=outputs)
        for budget in (None, 32 << 20):
            assert torch.equal(empirical_ntk(model, x, z, outputs=outputs, memory_budget=budget), first)
    assert len(surveys) == 3


def test_samples_on_which_a_network_takes_another_path_are_met_in_every_call(surveys):
    class Branches(Switching):
        def forward(self, x: Tensor) -> Tensor:
            y = self.lin(x)
            return self.last(torch.tanh(y) if bool((x > 0).all()) else torch.sin(y))

    torch.manual_seed(0)
    model, x = Branches().double(), batch(4, 4).abs()
    for given in (x, x, -x):
        assert relative_error(empirical_ntk(model, given), ntk(model, given, None, "trace")) < 1e-10
    with pytest.raises(LazyRegimeError, match="path depends on the values"):
        empirical_ntk(model, torch.cat([x, -x]))


def test_an_operation_without_a_rule_for_batches_of_gradients():
    """Group norm behind a convolution, in float32 and so channels last: its vectorized backward pass is an error."""
    torch.manual_seed(0)
    body = (nn.GroupNorm(4, 8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), *body, nn.Linear(8, 3))
    x = torch.randn(6, 1, 8, 8)
    kernel = empirical_ntk(model, x).double()
    assert relative_error(kernel, ntk(model, x, outputs="trace")) < 1e-6
