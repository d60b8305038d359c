"""Networks that do odd things with their batch, their state or their parameters, and what is right for each.

"value": the kernel of one sample at a time; "refused": there is none; "either": the kernel or a refusal.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

# What torch says of some of these networks, whatever is asked of them.
WARNINGS = (
    "ignore:.*nn.utils.spectral_norm.*:FutureWarning",
    "ignore:enable_nested_tensor is True:UserWarning",
    "ignore:Full backward hook is firing when gradients are computed:UserWarning",
)


@dataclass(frozen=True)
class Odd:
    make: Callable[[], nn.Module]
    expect: str
    shape: tuple[int, ...] | None = (4,)
    n: int = 6
    dtype: torch.dtype = torch.float64

    def build(self) -> tuple[nn.Module, Tensor]:
        """The network and a batch; words where there is no shape."""
        torch.manual_seed(1)
        random.seed(0)
        model = self.make().to(self.dtype)
        words = torch.randint(1, 7, (self.n, 5))
        return model, words if self.shape is None else torch.randn(self.n, *self.shape, dtype=self.dtype)


class Odds(nn.Module):
    """A forward pass as a function of the module and x."""

    def __init__(self, function: Callable, **members: object) -> None:
        super().__init__()
        self.function = function
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def net(function: Callable) -> Callable[[], nn.Module]:
    """With a layer and a readout."""
    return lambda: Odds(function, layer=nn.Linear(4, 6), out=nn.Linear(6, 2))


def plain(m: nn.Module, x: Tensor) -> Tensor:
    return m.out(torch.tanh(m.layer(x)))


def sorts(m: nn.Module, x: Tensor) -> Tensor:
    order = x[:, 0].argsort()
    return plain(m, x[order])[order.argsort()]


def packs(m: nn.Module, x: Tensor) -> Tensor:
    lengths = 5 - 2 * (x[:, 0, 0] > 0).long()
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return m.out(m.rnn(packed)[1][0][-1])


def experts(m: nn.Module, x: Tensor) -> Tensor:
    weight, chosen = m.gate(x).softmax(-1).max(-1)
    h = x.new_zeros(len(x), 6)
    for index, expert in enumerate(m.experts):
        mine = torch.where(chosen == index)[0]
        if len(mine):
            h = h.index_add(0, mine, weight[mine, None] * expert(x[mine]))
    return m.out(torch.relu(h))


def experts_by_mask(m: nn.Module, x: Tensor) -> Tensor:
    weight, chosen = m.gate(x).softmax(-1).max(-1)
    parts = [torch.where((chosen == i)[:, None], weight[:, None] * e(x), 0.0) for i, e in enumerate(m.experts)]
    return m.out(torch.relu(sum(parts)))


def mixture(function: Callable) -> Callable[[], nn.Module]:
    return lambda: Odds(
        function,
        gate=nn.Linear(4, 4),
        experts=nn.ModuleList(nn.Linear(4, 6) for _ in range(4)),
        out=nn.Linear(6, 2),
    )


def shared() -> nn.Module:
    layer = nn.Linear(4, 4)
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), layer, nn.Tanh(), layer, nn.Linear(4, 2))


def tied() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    model[2].weight = model[0].weight
    return model


class Counting(nn.Module):
    """Counts its calls in a buffer, an attribute and a list."""

    def __init__(self, matters: bool) -> None:
        super().__init__()
        self.layer, self.matters, self.calls, self.shapes = nn.Linear(4, 3), matters, 0, []
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        self.calls += 1
        self.shapes.append(x.shape)
        return self.layer(x) * (self.count if self.matters else 1.0)


class Caching(nn.Module):
    """Keeps something of its first call: a constant, or the mean of that batch."""

    def __init__(self, of_batch: bool) -> None:
        super().__init__()
        self.layer, self.of_batch, self.cache = nn.Linear(4, 3), of_batch, None

    def forward(self, x: Tensor) -> Tensor:
        if self.cache is None:
            self.cache = x.detach().mean(0)[:3] if self.of_batch else torch.linspace(0, 1, 3).to(x)
        return self.layer(x) * self.cache


class Rounded(torch.autograd.Function):
    """Straight through."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


class MixedBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, grad):
        return grad - grad.mean(0)


def depth(draw: Callable[[nn.Module], float], **members: object) -> Callable[[], nn.Module]:
    """Leaves out a block one time in ten."""

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        h = torch.relu(m.layer(x))
        return m.out(h + m.block(h) if draw(m) > 0.1 else h)

    return lambda: Odds(forward, layer=nn.Linear(4, 6), block=nn.Linear(6, 6), out=nn.Linear(6, 2), **members)


def attention(**options: object) -> Callable[[nn.Module, Tensor], Tensor]:
    def forward(m: nn.Module, x: Tensor) -> Tensor:
        q, k, v = m.qkv(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        return m.out(F.scaled_dot_product_attention(q, k, v, **options).transpose(1, 2).flatten(2).mean(1))

    return forward


def attending(zero: bool = False, **options: object) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        model = Odds(attention(**options), qkv=nn.Linear(8, 24), out=nn.Linear(8, 3))
        if zero:
            nn.init.zeros_(model.out.weight)
            nn.init.zeros_(model.out.bias)
        return model

    return make


def zero_head(function: Callable) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        model = net(function)()
        nn.init.zeros_(model.out.weight)
        return model

    return make


def recurrent(kind: type[nn.RNNBase], read: Callable, **options: object) -> Callable[[], nn.Module]:
    width = 8 if options.get("bidirectional") else 4
    return lambda: Odds(
        lambda m, x: m.out(read(m.rnn(x))), rnn=kind(3, 4, batch_first=True, **options), out=nn.Linear(width, 2)
    )


def convolving(head: Callable[[nn.Module, Tensor, Tensor], Tensor], channels: int = 1) -> Callable[[], nn.Module]:
    return lambda: Odds(
        lambda m, x: head(m, torch.relu(m.conv(x)), x), conv=nn.Conv2d(channels, 4, 3), out=nn.Linear(144, 3)
    )


def views(m: nn.Module, h: Tensor, x: Tensor) -> Tensor:
    return m.out(h.view(x.size(0), -1))


def overwrites_alias(m: nn.Module, h: Tensor, x: Tensor) -> Tensor:
    h = h * 1.0
    h.reshape(len(x), -1).mul_(2.0)
    return m.out(h.flatten(1))


def in_place(m: nn.Module, x: Tensor) -> Tensor:
    h = m.layer(x)
    h[:, :2].mul_(-1.5)
    h.sigmoid_()
    return m.out(h)


def hooked(m: nn.Module, x: Tensor) -> Tensor:
    h = m.layer(x)
    h.register_hook(lambda grad: grad / grad.norm())
    return m.out(torch.tanh(h))


def with_hook(change: Callable[[nn.Module], object]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
        change(model)
        return model

    return make


def words(function: Callable, **options: object) -> Callable[[], nn.Module]:
    return lambda: Odds(function, embed=nn.Embedding(7, 4, **options), position=nn.Embedding(9, 4), out=nn.Linear(4, 2))


def reads(m: nn.Module, h: Tensor) -> Tensor:
    return m.out(torch.tanh(h)).mean(1)


def force(m: nn.Module, x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    return torch.autograd.grad(plain(m, x).sum(), x, create_graph=True)[0]


def sets(change: Callable[[nn.Module], object]) -> Callable[[], nn.Module]:
    def forward(m: nn.Module, x: Tensor) -> Tensor:
        change(m)
        return plain(m, x)

    return net(forward)


def raises(m: nn.Module, x: Tensor) -> Tensor:
    if len(x) > 4:
        raise ValueError("half way")
    return plain(m, x)


def branches(condition: Callable[[Tensor], bool]) -> Callable[[], nn.Module]:
    return net(lambda m, x: plain(m, x) if condition(x) else m.out(m.layer(x)))


def distances(m: nn.Module, x: Tensor) -> Tensor:
    h = m.layer(x)
    return m.out(torch.exp(-torch.cdist(h, h)).sum(1, keepdim=True) * h)


def spectral(train: bool, old: bool = False) -> Callable[[], nn.Module]:
    norm = nn.utils.spectral_norm if old else nn.utils.parametrizations.spectral_norm
    return lambda: nn.Sequential(norm(nn.Linear(4, 5)), nn.Tanh(), nn.Linear(5, 2)).train(train)


def normed(**options: object) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.InstanceNorm2d(3, affine=True, **options), nn.Flatten(), nn.Linear(108, 2)
    )


def sparse(m: nn.Module, x: Tensor) -> Tensor:
    h = m.layer(x)
    top = h.topk(2, -1)
    return m.out(torch.zeros_like(h).scatter_(-1, top.indices, top.values))


def gathers(m: nn.Module, x: Tensor) -> Tensor:
    h = m.layer(x).unflatten(1, (3, 2))
    return h.gather(1, h.sum(2).topk(1, -1).indices[..., None].expand(-1, -1, 2)).squeeze(1)


SERIES, IMAGE = (5, 3), (1, 8, 8)
F32 = torch.float32

ODD: dict[str, Odd] = {
    # Samples in another order or dimension inside
    "sorts": Odd(net(sorts), "value"),
    "packs sequences": Odd(
        lambda: Odds(packs, rnn=nn.LSTM(3, 4, batch_first=True), out=nn.Linear(4, 2)), "value", SERIES
    ),
    "flips twice": Odd(net(lambda m, x: plain(m, x.flip(0)).flip(0)), "value"),
    "flips once": Odd(net(lambda m, x: plain(m, x.flip(0))), "refused"),
    "sequence first": Odd(net(lambda m, x: plain(m, x.transpose(0, 1)).sum(0)), "value", (5, 4)),
    "sequence first, two": Odd(net(lambda m, x: plain(m, x.transpose(0, 1)).sum(0)), "value", (2, 4), n=2),
    "merged with time": Odd(net(lambda m, x: plain(m, x.reshape(-1, 4)).view(len(x), 5, 2).sum(1)), "value", (5, 4)),
    "merged wrongly": Odd(net(lambda m, x: plain(m, x.reshape(-1, 4)).view(6, len(x), 2).sum(0)), "refused", (6, 4)),
    "encoder, batch second": Odd(
        lambda: Odds(
            lambda m, x: m.out(m.encoder(x.transpose(0, 1)).mean(0)),
            encoder=nn.TransformerEncoderLayer(8, 2, 16),
            out=nn.Linear(8, 2),
        ).eval(),
        "value",
        (5, 8),
    ),
    "encoder, batch first": Odd(
        lambda: Odds(
            lambda m, x: m.out(m.encoder(x).mean(1)), encoder=nn.TransformerEncoderLayer(8, 2, 16), out=nn.Linear(8, 2)
        ).eval(),
        "refused",
        (5, 8),
    ),
    "one by one": Odd(net(lambda m, x: torch.stack([plain(m, row) for row in x])), "value"),
    "channels of one convolution": Odd(
        lambda: Odds(lambda m, x: m.out(m.conv(x.T[None])[0].T), conv=nn.Conv1d(4, 6, 1), out=nn.Linear(6, 2)), "value"
    ),
    "row numbers": Odd(
        words(lambda m, x: m.out(torch.tanh(m.embed(x)))[torch.arange(len(x)), (x > 2).sum(1) - 1]), "value", None
    ),
    # Routing and branches
    "experts": Odd(mixture(experts), "value", n=12),
    "experts by mask": Odd(mixture(experts_by_mask), "value", n=12),
    "gathers": Odd(lambda: Odds(gathers, layer=nn.Linear(4, 6)), "value"),
    "sparse": Odd(net(sparse), "value"),
    "branch on the first": Odd(branches(lambda x: x[0, 0].item() > 0), "either"),
    "branch on any": Odd(branches(lambda x: bool((x[:, 0] > 1).any())), "either", n=12),
    "branch on a list": Odd(branches(lambda x: max(x[:, 0].tolist()) > 1), "either", n=12),
    "branch on the number": Odd(branches(lambda x: len(x) > 3), "refused"),
    "branch on one": Odd(branches(lambda x: len(x) > 1), "refused"),
    "looks for NaN": Odd(branches(lambda x: not torch.isnan(x).any()), "value"),
    # Mixing
    "centres": Odd(net(lambda m, x: m.out(torch.relu(m.layer(x) - m.layer(x).mean(0)))), "refused"),
    "centres, tiny outputs": Odd(
        net(lambda m, x: 1e-9 * m.out(torch.relu(m.layer(x) - m.layer(x).mean(0)))), "refused"
    ),
    "centres, zero head": Odd(zero_head(lambda m, x: m.out(torch.relu(m.layer(x) - m.layer(x).mean(0)))), "refused"),
    "centres, large offset": Odd(net(lambda m, x: 1e3 + m.out(torch.relu(m.layer(x) - m.layer(x).mean(0)))), "either"),
    "adds up": Odd(net(lambda m, x: m.out(m.layer(x).cumsum(0).tanh())), "refused"),
    "threshold of the batch": Odd(
        net(lambda m, x: m.out(torch.where(m.layer(x) > m.layer(x).mean(0), m.layer(x), 0.0))), "refused"
    ),
    "distances between samples": Odd(net(distances), "refused"),
    "batch norm": Odd(net(lambda m, x: m.out(F.batch_norm(m.layer(x), None, None, training=True))), "refused"),
    "softmax over samples": Odd(net(lambda m, x: m.out(m.layer(x).softmax(0))), "refused"),
    "pools over samples": Odd(net(lambda m, x: m.out(F.max_pool1d(m.layer(x).T[None], 3, 1, 1)[0].T)), "refused"),
    "attends to samples": Odd(
        net(lambda m, x: m.out(F.scaled_dot_product_attention(*3 * (m.layer(x)[None, None],))[0, 0])), "refused"
    ),
    "times the number": Odd(net(lambda m, x: plain(m, x) * len(x)), "refused"),
    "as many columns as samples": Odd(net(lambda m, x: plain(m, x) * x[:, : len(x)].sum(1, True)), "refused"),
    "six samples only": Odd(net(lambda m, x: plain(m, x).view(6, 2)), "refused"),
    "mixing backward pass": Odd(net(lambda m, x: m.out(MixedBackward.apply(m.layer(x)))), "either"),
    "normalizing hook": Odd(net(hooked), "either"),
    # Sharing and layers without a rule
    "shared": Odd(shared, "value"),
    "tied": Odd(tied, "value"),
    "weight used outside": Odd(net(lambda m, x: plain(m, x) / m.layer.weight.norm()), "value"),
    "weight norm": Odd(
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 5)), nn.Tanh(), nn.Linear(5, 2)),
        "value",
    ),
    "orthogonal": Odd(
        lambda: nn.Sequential(nn.utils.parametrizations.orthogonal(nn.Linear(4, 4)), nn.Tanh(), nn.Linear(4, 2)),
        "value",
    ),
    "spectral norm": Odd(spectral(train=False), "value"),
    "spectral norm, training": Odd(spectral(train=True), "refused"),
    "old spectral norm, training": Odd(spectral(train=True, old=True), "refused"),
    "parameter in a list": Odd(
        lambda: Odds(
            lambda m, x: m.out(torch.tanh(x @ m.some[0])), some=[torch.randn(4, 6).double()], out=nn.Linear(6, 2)
        ),
        "value",
    ),
    "straight through": Odd(net(lambda m, x: m.out(Rounded.apply(3 * m.layer(x)))), "value"),
    "force": Odd(lambda: Odds(force, layer=nn.Linear(4, 6), out=nn.Linear(6, 1)), "value"),
    "vmap inside": Odd(net(lambda m, x: torch.func.vmap(lambda row: plain(m, row))(x)), "value"),
    "centres of its own": Odd(
        lambda: Odds(
            lambda m, x: m.out(torch.exp(-torch.cdist(x, m.centres))),
            centres=nn.Parameter(torch.randn(6, 4)),
            out=nn.Linear(6, 2),
        ),
        "value",
    ),
    "positions": Odd(words(lambda m, x: reads(m, m.embed(x) + m.position(torch.arange(5)))), "value", None),
    "positions, repeated": Odd(
        words(lambda m, x: reads(m, m.embed(x) + m.position(torch.arange(5)[None].repeat(len(x), 1)))), "value", None
    ),
    "one hot": Odd(
        lambda: Odds(
            lambda m, x: reads(m, m.layer(F.one_hot(x, 7).double())), layer=nn.Linear(7, 4), out=nn.Linear(4, 2)
        ),
        "value",
        None,
    ),
    # State
    "counts": Odd(lambda: Counting(False), "value"),
    "counts, and it matters": Odd(lambda: Counting(True), "refused"),
    "keeps a constant": Odd(lambda: Caching(False), "value"),
    "keeps a batch": Odd(lambda: Caching(True), "refused"),
    "instance norm": Odd(normed(), "value", IMAGE),
    "instance norm, training": Odd(normed(track_running_stats=True), "value", IMAGE, n=9),
    "embedding of bounded norm": Odd(words(lambda m, x: reads(m, m.embed(x)), max_norm=0.5), "either", None),
    "clamps its weight": Odd(sets(lambda m: m.layer.weight.data.clamp_(-0.1, 0.1)), "either"),
    "overwrites its input": Odd(lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 3)), "value"),
    "in place": Odd(net(in_place), "value"),
    "switches its mode": Odd(sets(lambda m: m.eval()), "value"),
    "sets the default dtype": Odd(sets(lambda m: torch.set_default_dtype(torch.float64)), "value"),
    "adds a hook": Odd(sets(lambda m: m.layer.register_forward_hook(lambda *_: None)), "value"),
    "fails": Odd(net(raises), "refused"),
    "hook that adds the weight": Odd(
        with_hook(lambda m: m[0].register_forward_hook(lambda layer, x, y: 2 * y + layer.weight.sum())), "value"
    ),
    "hook before": Odd(with_hook(lambda m: m[2].register_forward_pre_hook(lambda layer, x: (3 * x[0],))), "value"),
    "backward hook": Odd(with_hook(lambda m: m[0].register_full_backward_hook(lambda *_: None)), "value"),
    "parameter hook": Odd(with_hook(lambda m: m[0].weight.register_hook(lambda grad: 0 * grad)), "value"),
    # Random
    "depth by Python": Odd(depth(lambda m: random.random()), "refused"),
    "depth by NumPy": Odd(depth(lambda m: np.random.rand()), "refused"),
    "depth by torch": Odd(depth(lambda m: torch.rand(()).item()), "refused"),
    "depth by its own generator": Odd(depth(lambda m: m.rng.random(), rng=np.random.default_rng(0)), "refused"),
    "depth by its own Python generator": Odd(depth(lambda m: m.rng.random(), rng=random.Random(0)), "refused"),
    "dropout": Odd(net(lambda m, x: m.out(F.dropout(torch.relu(m.layer(x)), 0.1, training=True))), "refused"),
    "dropout of nothing": Odd(net(lambda m, x: m.out(F.dropout(m.layer(x), 0.0, training=True))), "value"),
    "attention dropout": Odd(attending(dropout_p=0.1), "refused", (5, 8)),
    "attention dropout, zero head": Odd(attending(zero=True, dropout_p=0.1), "refused", (5, 8)),
    "noise of a fixed seed": Odd(
        net(lambda m, x: plain(m, x) + torch.randn(2, generator=torch.Generator().manual_seed(0), dtype=x.dtype)),
        "either",
    ),
    # Attention, recurrence, memory layout
    "attention": Odd(attending(), "value", (5, 8)),
    "causal attention": Odd(attending(is_causal=True), "value", (5, 8)),
    "LSTM": Odd(recurrent(nn.LSTM, lambda y: y[0][:, -1]), "value", SERIES),
    "LSTM, float32": Odd(recurrent(nn.LSTM, lambda y: y[0][:, -1], bidirectional=True), "value", SERIES, dtype=F32),
    "GRU": Odd(recurrent(nn.GRU, lambda y: y[1][-1]), "value", SERIES),
    "RNN": Odd(recurrent(nn.RNN, lambda y: y[0].mean(1)), "value", SERIES, dtype=F32),
    "view": Odd(convolving(views), "value", IMAGE, dtype=F32),
    "asks for the layout": Odd(
        convolving(lambda m, h, x: m.out((h if h.is_contiguous() else 2 * h).flatten(1)), 2),
        "value",
        (2, 8, 8),
        dtype=F32,
    ),
    "as_strided": Odd(
        convolving(lambda m, h, x: m.out(torch.as_strided(h, (len(x), 144), (144, 1))), 2),
        "value",
        (2, 8, 8),
        dtype=F32,
    ),
    "overwrites an alias": Odd(convolving(overwrites_alias, 2), "value", (2, 8, 8), dtype=F32),
    "asks for an address": Odd(branches(lambda x: x.data_ptr() != 0), "value"),
    # Sizes
    "one sample": Odd(net(plain), "value", n=1),
    "two samples": Odd(net(plain), "value", n=2),
    "squeezes": Odd(net(lambda m, x: plain(m, x)[:, :1].squeeze()), "value"),
    "output without dependence": Odd(net(lambda m, x: 0 * plain(m, x) + x[:, :2]), "value"),
    "Fourier": Odd(net(lambda m, x: m.out(torch.fft.fft(m.layer(x)).abs())), "value"),
    "Fourier over samples": Odd(net(lambda m, x: m.out(torch.fft.fft(m.layer(x), dim=0).abs())), "refused"),
}
