"""Rules by operation, against one gradient at a time in float64; a rule that is wrong on a network is found out."""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from ntk_reference import chunked, ntk, relative_error
from torch import Tensor, nn
from torch.nn import functional as F

from lazyregime.kernels import empirical_ntk, explain
from lazyregime.kernels.empirical._registry import LayerCall
from lazyregime.kernels.empirical._rules_operations import RULES

pytestmark = pytest.mark.filterwarnings(
    "ignore:LSTM with projections is not supported with oneDNN:UserWarning",
    "ignore:RNN module weights are not part of single contiguous chunk of memory:UserWarning",
)


class Net(nn.Module):
    """A forward pass of parameters and layers, then a readout of all there is."""

    def __init__(self, forward: Callable[[Any, Tensor], Tensor], example: Tensor, **members: Any) -> None:
        super().__init__()
        for name, member in members.items():
            setattr(self, name, nn.Parameter(member) if isinstance(member, Tensor) else member)
        self.body = forward
        with torch.no_grad():
            size = forward(self, example).flatten(1).shape[1]
        self.readout = nn.Linear(size, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(torch.tanh(self.body(self, x).flatten(1)))


def check(model: nn.Module, x1: Tensor, x2: Tensor, *, fallback: tuple[str, ...] = ()) -> None:
    model = model.double().eval()
    x1, x2 = (x.double() if x.is_floating_point() else x for x in (x1, x2))
    described = explain(model, x1, x2)
    used = {layer.name for layer in described.plan.layers if "fallback" in layer.rule}
    assert used == set(fallback), str(described)
    sides = (("trace", x2, None), ("full", None, (1, 1, 1)), ("diagonal", x2, (3, 2, 2)), ("trace", None, (2, 1, 1)))
    for how, other, sizes in sides:
        with chunked(sizes):
            assert relative_error(empirical_ntk(model, x1, other, outputs=how), ntk(model, x1, other, how)) < 1e-10


def series(*members: Any, t: int = 4, d: int = 6) -> tuple[Tensor, Tensor]:
    return torch.randn(3, t, d), torch.randn(5, t, d)


class Norm(nn.Module):
    """Root mean square, as written in Llama and its kin."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(d))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


class Transposed(nn.Module):
    """GPT-2's Conv1D: a linear layer with its weight the other way around."""

    def __init__(self, d: int, o: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(d, o)), nn.Parameter(torch.randn(o))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, x.view(-1, x.shape[-1]), self.weight).view(*x.shape[:-1], -1)


class LoRA(nn.Linear):
    def __init__(self, d: int, o: int) -> None:
        super().__init__(d, o)
        self.a, self.b = nn.Parameter(torch.randn(d, 2)), nn.Parameter(torch.randn(2, o))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 0.5 * (x @ self.a @ self.b)


def steps(m: Any, x: Tensor) -> Tensor:
    state = (x.new_zeros(len(x), 3), x.new_zeros(len(x), 3))
    for step in x.unbind(1):
        state = m.cell(step, state)
    return state[0]


r = torch.randn
NETWORKS: dict[str, tuple[Callable[[Any, Tensor], Tensor], Callable[[], dict[str, Any]]]] = {
    "class token": (
        lambda m, x: torch.cat([m.token.expand(len(x), -1, -1), m.lin(x)], 1) + m.position,
        lambda: {"token": r(1, 1, 5), "position": r(1, 5, 5), "lin": nn.Linear(6, 5)},
    ),
    "positions cut": (
        lambda m, x: m.lin(x) + m.position[:, : x.shape[1]],
        lambda: {"position": r(1, 9, 6), "lin": nn.Linear(6, 6)},
    ),
    "positions looked up": (
        lambda m, x: m.lin(x) + m.table(torch.arange(x.shape[1])),
        lambda: {"table": nn.Embedding(7, 6), "lin": nn.Linear(6, 6)},
    ),
    "positions of a batch of one": (
        lambda m, x: m.lin(x + m.table(torch.tensor([[3, 1, 0, 2]]))),
        lambda: {"table": nn.Embedding(7, 6), "lin": nn.Linear(6, 6)},
    ),
    "subtracted": (lambda m, x: m.p - m.lin(x) - m.q, lambda: {"p": r(6), "q": r(4, 1), "lin": nn.Linear(6, 6)}),
    "alpha": (lambda m, x: torch.add(torch.sub(x, m.p, alpha=3), m.p, alpha=0.5), lambda: {"p": r(6)}),
    "layer scale": (lambda m, x: x + m.gamma * torch.tanh(x) * m.t, lambda: {"gamma": r(6), "t": r(())}),
    "rms": (lambda m, x: m.norm(m.lin(x)), lambda: {"norm": Norm(6), "lin": nn.Linear(6, 6)}),
    "norm twice": (lambda m, x: m.norm(torch.sin(m.norm(x))), lambda: {"norm": nn.LayerNorm(6)}),
    "layer norm without bias": (lambda m, x: F.layer_norm(x, (6,), m.w, None), lambda: {"w": r(6)}),
    "conv1d of gpt-2": (lambda m, x: m.c(x), lambda: {"c": Transposed(6, 5)}),
    "lora": (lambda m, x: m.lora(x), lambda: {"lora": LoRA(6, 5)}),
    "linear twice": (lambda m, x: m.lin(torch.tanh(m.lin(x))), lambda: {"lin": nn.Linear(6, 6)}),
    "linear on other lengths": (
        lambda m, x: torch.cat([m.lin(x).mean(1), m.lin(x[:, 0]), m.lin(x.transpose(0, 1)).sum(0)], 1),
        lambda: {"lin": nn.Linear(6, 4)},
    ),
    "half of a weight": (
        lambda m, x: F.linear(x, m.w[:3]) * F.linear(x, m.w[3:], m.b[:3]) + m.b[3:],
        lambda: {"w": r(6, 6), "b": r(6)},
    ),
    "overlapping parts": (lambda m, x: F.linear(x, m.w[:4]) * F.linear(x, m.w[2:]), lambda: {"w": r(6, 6)}),
    "einsum": (lambda m, x: torch.einsum("ntd,do->nto", x, m.w), lambda: {"w": r(6, 5)}),
    "weight and its transpose": (lambda m, x: torch.tanh(x @ m.w) @ m.w.T, lambda: {"w": r(6, 5)}),
    "prelu": (lambda m, x: m.prelu(x), lambda: {"prelu": nn.PReLU(4)}),
    "lstm": (lambda m, x: m.rnn(x)[0], lambda: {"rnn": nn.LSTM(6, 3, batch_first=True)}),
    "lstm both ways": (
        lambda m, x: m.rnn(x.transpose(0, 1))[0][-1],
        lambda: {"rnn": nn.LSTM(6, 3, num_layers=2, bidirectional=True)},
    ),
    "lstm projected": (lambda m, x: m.rnn(x)[0], lambda: {"rnn": nn.LSTM(6, 3, proj_size=2, batch_first=True)}),
    "gru": (lambda m, x: m.rnn(x)[0], lambda: {"rnn": nn.GRU(6, 3, batch_first=True, bias=False)}),
    "gru of two": (lambda m, x: m.rnn(x)[1].transpose(0, 1), lambda: {"rnn": nn.GRU(6, 3, 2, batch_first=True)}),
    "rnn": (lambda m, x: m.rnn(x)[0], lambda: {"rnn": nn.RNN(6, 3, nonlinearity="relu", batch_first=True)}),
    "cell": (steps, lambda: {"cell": nn.LSTMCell(6, 3)}),
    "attention": (
        lambda m, x: m.attention(x, x, x)[0],
        lambda: {"attention": nn.MultiheadAttention(6, 2, batch_first=True)},
    ),
    "attention to others": (
        lambda m, x: m.attention(x.transpose(0, 1), m.k(x).transpose(0, 1), m.k(x).transpose(0, 1))[0].transpose(0, 1),
        lambda: {"attention": nn.MultiheadAttention(6, 2, kdim=4, vdim=4), "k": nn.Linear(6, 4)},
    ),
    "encoder": (
        lambda m, x: m.encoder(x),
        lambda: {"encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 7, batch_first=True), 2)},
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_operations(name):
    torch.manual_seed(0)
    forward, make = NETWORKS[name]
    x1, x2 = series()
    check(Net(forward, x1, **make()), x1, x2)


def test_ids_of_a_table_that_is_also_the_head():
    torch.manual_seed(0)
    ids1, ids2 = torch.randint(5, (3, 4)), torch.randint(5, (5, 4))

    def forward(m: Any, ids: Tensor) -> Tensor:
        return F.linear(torch.tanh(m.lin(m.table(ids))), m.table.weight)

    check(Net(forward, ids1, table=nn.Embedding(5, 6, padding_idx=1), lin=nn.Linear(6, 6)), ids1, ids2)
    check(Net(lambda m, ids: m.table(ids) * m.table(ids.flip(1)), ids1, table=nn.Embedding(5, 6)), ids1, ids2)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from([1, 2, 3]), st.booleans())
def test_convolutions_in_any_dimension_and_transposed(data, num_dims, transposed):
    draw = data.draw
    groups, c, o = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    sizes = [
        tuple(draw(st.integers(least, top)) for _ in range(num_dims)) for least, top in ((1, 3), (1, 3), (0, 1), (1, 2))
    ]
    kernel, stride, padding, dilation = sizes
    torch.manual_seed(draw(st.integers(0, 99)))
    options: dict[str, Any] = {"groups": groups, "bias": draw(st.booleans())}
    if transposed:
        options["output_padding"] = tuple(max(s, d) - 1 for s, d in zip(stride, dilation, strict=True))
    kind = getattr(nn, f"Conv{'Transpose' * transposed}{num_dims}d")
    layer = kind(c * groups, o * groups, kernel, stride, padding, dilation=dilation, **options)
    x1, x2 = (torch.randn(n, c * groups, *[5] * num_dims) for n in (2, 3))
    model = Net(lambda m, x: torch.tanh(m.conv(x)), x1, conv=layer).double()
    x1, x2 = x1.double(), x2.double()
    assert "fallback" not in str(explain(model, x1, x2))
    assert relative_error(empirical_ntk(model, x1, x2, outputs="full"), ntk(model, x1, x2)) < 1e-10


def test_a_convolution_that_is_used_twice():
    torch.manual_seed(0)
    x1, x2 = torch.randn(3, 4, 5, 5), torch.randn(5, 4, 5, 5)
    conv = nn.Conv2d(4, 4, 3, padding=1, groups=2)
    check(Net(lambda m, x: m.conv(torch.tanh(m.conv(x))), x1, conv=conv), x1, x2)


ONLY_SOME = {
    "made of a parameter": (lambda m, x: x * (1 + m.w) + m.b, lambda: {"w": r(6), "b": r(6)}, ("w",)),
    "a row twice": (
        lambda m, x: m.lin(x) + m.table(torch.tensor([0, 1, 1, 2])),
        lambda: {"table": nn.Embedding(7, 6), "lin": nn.Linear(6, 6)},
        ("table.weight",),
    ),
    "one known use of two": (lambda m, x: x @ m.w + x * torch.diag(m.w), lambda: {"w": r(6, 6)}, ("w",)),
    "a use of no consequence on most": (
        lambda m, x: x + m.w + torch.where(x > 9, x * m.w.exp(), 0),
        lambda: {"w": r(6)},
        ("w",),
    ),
    "normed": (
        lambda m, x: m.lin(x),
        lambda: {"lin": torch.nn.utils.parametrizations.weight_norm(nn.Linear(6, 5))},
        ("lin.parametrizations.weight.original0", "lin.parametrizations.weight.original1"),
    ),
}


@pytest.mark.parametrize("name", ONLY_SOME)
def test_only_what_has_no_rule_goes_through_the_fallback(name):
    torch.manual_seed(0)
    forward, make, fallback = ONLY_SOME[name]
    x1, x2 = series()
    x2[4, 2, 1] = 10.0
    check(Net(forward, x1, **make()), x1, x2, fallback=fallback)


def test_detached_uses_do_not_count():
    torch.manual_seed(0)
    x1, x2 = series()
    check(Net(lambda m, x: x * m.w + x.exp() * m.w.detach(), x1, w=r(6)), x1, x2)


MET_IN = {
    "AddmmBackward0": "linear twice",
    "MmBackward0": "lora",
    "BmmBackward0": "einsum",
    "AddBackward0": "class token",
    "ExpandBackward0": "class token",
    "SubBackward0": "subtracted",
    "MulBackward0": "rms",
    "NativeLayerNormBackward0": "norm twice",
    "PreluKernelBackward0": "prelu",
    "EmbeddingBackward0": "",
    "ConvolutionBackward0": "",
}


@pytest.mark.parametrize("node", sorted(RULES))
def test_a_wrong_rule_is_found_out(node, monkeypatch):
    """Each rule gives 1.1 times what it should: then it is not used."""
    right = RULES[node]

    def wrong(operation: Any, call: Any) -> Any:
        b = None if call.b is None else 1.1 * call.b
        return right.factors(operation, LayerCall(call.inputs, b, call.trained, call.num_outputs))

    torch.manual_seed(0)
    x, _ = series()
    if node == "ConvolutionBackward0":
        model = Net(lambda m, x: m.conv(x), x, conv=nn.ConvTranspose1d(4, 3, 2))
    elif node == "EmbeddingBackward0":
        x = torch.randint(5, (3, 4))
        model = Net(lambda m, i: m.table(i) * m.table(i.flip(1)), x, table=nn.Embedding(5, 6))
    else:
        forward, make = NETWORKS[MET_IN[node]]
        model = Net(forward, x, **make())
    model, x = model.double(), x.double() if x.is_floating_point() else x
    expected = ntk(model, x, None, "trace")
    monkeypatch.setitem(RULES, node, right._replace(factors=wrong))
    assert "disagrees with autograd" in str(explain(model, x))
    assert relative_error(empirical_ntk(model, x), expected) < 1e-10
