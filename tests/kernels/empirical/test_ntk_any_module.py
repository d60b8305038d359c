"""Whatever a module does with its parameters, the kernel is the definition's, and the choice is visible."""

import pytest
import torch
from ntk_reference import ntk, relative_error
from torch import Tensor, nn
from torch.nn import functional as F

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import Rows, empirical_ntk, explain, register_rule
from lazyregime.kernels.empirical import _registry
from lazyregime.kernels.empirical._ntk import check_options


class Block(nn.Module):
    def __init__(self, c: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(c, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.norm2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.short = nn.Conv2d(c, out, 1, stride, bias=False) if stride > 1 else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x))))) + self.short(x))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.blocks = nn.Sequential(Block(4, 4, 1), Block(4, 6, 2))
        self.readout = nn.Linear(6, 3)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(self.blocks(self.stem(x)).mean((2, 3)))


class Transformer(nn.Module):
    """Pre-norm, causal, the readout tied to the embedding."""

    def __init__(self, vocabulary: int = 7, d: int = 8, length: int = 5) -> None:
        super().__init__()
        self.embed, self.position = nn.Embedding(vocabulary, d), nn.Parameter(torch.randn(length, d))
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(d), nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.mix = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)
        self.head = nn.Linear(d, vocabulary, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids) + self.position
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        scores = (q @ k.mT) / q.shape[-1] ** 0.5
        mask = torch.ones_like(scores[0], dtype=torch.bool).tril()
        x = x + self.mix(scores.masked_fill(~mask, -1e9).softmax(-1) @ v)
        x = x + self.down(F.gelu(self.up(self.norm2(x))))
        return self.head(self.norm3(x)).mean(1)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.again(torch.tanh(self.again(torch.tanh(self.first(x)))))))


class Borrowed(nn.Module):
    """A weight that another part of the forward pass also uses, without its module; and a parameter of no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.lin, self.scale, self.last = nn.Linear(4, 4), nn.Parameter(torch.tensor(1.7)), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.lin(x)) * self.scale + x @ self.lin.weight)


class Doubled(nn.Linear):
    """A subclass with another forward pass."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(2 * x) ** 2


class SequenceFirst(nn.Module):
    """The layer's first dimension is time, not the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.lin, self.last = nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.lin(x.transpose(0, 1))).sum(0))


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin, self.last = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.lin(x)
        y[..., :2].mul_(-1.5)
        y.sigmoid_()
        return self.last(y).flatten(1)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.last = nn.GRU(4, 3, batch_first=True), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.rnn(x)[0][:, -1])


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention, self.last = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.attention(x, x, x, need_weights=False)[0]).sum(1)


class Unmappable(nn.Module):
    """Control flow on the data of a sample, which vmap cannot take."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([(row * self.w).sum() if row.sum().item() > 0 else (row * self.w**2).sum() for row in x])


def weight_normed() -> nn.Module:
    return nn.Sequential(torch.nn.utils.parametrizations.weight_norm(nn.Linear(4, 5)), nn.Tanh(), nn.Linear(5, 2))


VECTOR, IMAGE, SERIES = torch.Size((4,)), torch.Size((3, 6, 6)), torch.Size((5, 4))
CASES = {
    "resnet": (ResNet, IMAGE, ()),
    "transformer": (Transformer, None, ()),
    "twice": (Twice, VECTOR, ()),
    "borrowed": (Borrowed, VECTOR, ()),
    "subclass": (lambda: nn.Sequential(Doubled(4, 3), nn.Linear(3, 2)), VECTOR, ()),
    "sequence first": (SequenceFirst, SERIES, ()),
    "in place": (InPlace, VECTOR, ()),
    "in place on a view": (InPlace, SERIES, ()),
    "recurrent": (Recurrent, SERIES, ()),
    "attention": (Attention, SERIES, ()),
    "unmappable": (Unmappable, VECTOR, ("w",)),
    "weight norm": (weight_normed, VECTOR, None),
    "transposed": (
        lambda: nn.Sequential(nn.ConvTranspose2d(3, 2, 3), nn.PReLU(), nn.Flatten(), nn.Linear(128, 2)),
        IMAGE,
        (),
    ),
}


def batch(shape: torch.Size | None, n: int) -> Tensor:
    return torch.randint(7, (n, 5)) if shape is None else torch.randn(n, *shape).double()


@pytest.mark.parametrize("name", CASES)
def test_any_module(name):
    torch.manual_seed(0)
    make, shape, fallback = CASES[name]
    model = make().double().eval()
    x1, x2 = batch(shape, 4), batch(shape, 6)
    described = explain(model, x1, x2)
    used = {layer.name for layer in described.plan.layers if "fallback" in layer.rule}
    assert fallback is None or used == set(fallback), str(described)
    for outputs in ("trace", "full", "diagonal"):
        expected = ntk(model, x1, x2, outputs)
        for budget in (None, 4 << 20):
            given = empirical_ntk(model, x1, x2, outputs=outputs, memory_budget=budget)
            assert relative_error(given, expected) < 1e-10
        assert relative_error(empirical_ntk(model, x1, outputs=outputs), ntk(model, x1, None, outputs)) < 1e-10
        assert relative_error(empirical_ntk(model, x1, x2, outputs=outputs, rules="none"), expected) < 1e-10
    single = [x.float() if x.is_floating_point() else x for x in (x1, x2)]
    assert relative_error(empirical_ntk(model.float(), *single), ntk(model, x1, x2, "trace")) < 1e-5


def test_unused_parameters_are_named():
    model = nn.Sequential(nn.Linear(3, 2))
    model.register_parameter("idle", nn.Parameter(torch.ones(2)))
    assert "idle" in str(explain(model, torch.randn(2, 3)))
    assert empirical_ntk(model, torch.zeros(1, 3)).item() == 2.0


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.s = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))

    def forward(self, x: Tensor) -> Tensor:
        return self.s * x


@pytest.fixture
def clean_registry(monkeypatch):
    monkeypatch.setattr(_registry, "_RULES", dict(_registry._RULES))


@pytest.mark.usefixtures("clean_registry")
def test_a_rule_of_ones_own_is_used_and_a_wrong_one_is_not():
    torch.manual_seed(0)
    model = nn.Sequential(Scale(), nn.Tanh(), nn.Linear(3, 2)).double()
    x = torch.randn(5, 3).double()
    expected = ntk(model, x)
    register_rule(
        Scale, lambda layer, call: [Rows(call.b * call.inputs[0][:, None])], parameters=("s",), name="my rule"
    )
    assert "my rule" in str(explain(model, x))
    assert relative_error(empirical_ntk(model, x, outputs="full"), expected) < 1e-10
    register_rule(Scale, lambda layer, call: [Rows(2 * call.b * call.inputs[0][:, None])], parameters=("s",))
    assert "disagrees with autograd" in str(explain(model, x))
    assert relative_error(empirical_ntk(model, x, outputs="full"), expected) < 1e-10


class Stochastic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.lin(F.dropout(x, 0.5, training=True))


class Mixing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.lin(x - x.mean(0))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.1)), r"'1' \(Dropout\) is random in train mode.*model.eval\(\)"),
        (
            nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)),
            r"'1' \(BatchNorm1d\) normalizes by the batch in train mode.*model.eval\(\)",
        ),
        (
            nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)).eval(),
            "has no running statistics",
        ),
        (nn.Linear(3, 2, dtype=torch.complex64), "parameter 'weight' is complex"),
        (nn.Linear(3, 2).requires_grad_(False), "no parameter with requires_grad"),
        (nn.Linear(3, 2).double(), "x1 is float32 but the model's parameters are float64"),
        (Stochastic(), r"draws random numbers \(bernoulli_.*model.eval\(\)"),
        (Mixing(), "mixes the samples of a batch"),
        (nn.GRU(3, 2, batch_first=True), "one tensor with a row for each of the .* returned a tuple"),
    ],
)
def test_what_has_no_tangent_kernel_is_refused_with_a_sentence(model, says):
    torch.manual_seed(0)
    with pytest.raises(LazyRegimeError, match=says):
        empirical_ntk(model, torch.randn(4, 3))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"outputs": "sum"}, "outputs is 'sum'; it must be 'trace', 'full' or 'diagonal'"),
        ({"memory_budget": 0}, "memory_budget is 0"),
        ({"rules": "some"}, "rules is 'some'"),
        ({"accumulate": torch.float16}, "accumulate is torch.float16"),
    ],
)
def test_bad_options_are_refused_with_a_sentence(options, says):
    given = {"outputs": "trace", "memory_budget": None, "accumulate": None, "rules": "auto"} | options
    with pytest.raises(LazyRegimeError, match=says):
        check_options(**given)  # where pytest's type checks do not come first


def test_a_budget_below_one_sample_is_refused_with_what_is_needed():
    with pytest.raises(
        LazyRegimeError, match=r"memory_budget is 0\.0 MiB but one sample of this model needs \d\.\d MiB"
    ):
        empirical_ntk(nn.Linear(3, 100), torch.randn(4, 3), outputs="full", memory_budget=1 << 10)
