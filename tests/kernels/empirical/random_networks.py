"""Networks put together at random from steps that treat samples apart, mix them, remember, or draw random numbers.

What is right follows from the network alone: each sample's Jacobian by itself, and whether the batch agrees with it.
"""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass

import hypothesis.strategies as st
import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 6  # also two tokens of three features


def linear() -> nn.Module:
    return nn.Linear(WIDTH, WIDTH)


def tokens(h: Tensor) -> Tensor:
    return h.unflatten(1, (2, 3))


# A step is a function of a module, which has what `parts` gives it, and the features h of a batch.
Step = Callable[[nn.Module, Tensor], Tensor]
LAYER: dict[str, Callable[[], object]] = {"layer": linear}


def sort(m: nn.Module, h: Tensor) -> Tensor:
    order = h[:, 0].argsort()
    return m.layer(h[order])[order.argsort()]


def halves(m: nn.Module, h: Tensor) -> Tensor:
    return torch.cat([m.layer(part) for part in h.chunk(2)])


def by_mask(m: nn.Module, h: Tensor) -> Tensor:
    out, mask = torch.zeros_like(h), h[:, 0] > 0
    out[mask], out[~mask] = m.layer(h[mask]), m.other(h[~mask])
    return out


def experts(m: nn.Module, h: Tensor) -> Tensor:
    weight, chosen = m.layer(h).softmax(-1).max(-1)
    out = torch.zeros_like(h)
    for index, expert in enumerate((m.other, m.third)):
        mine = torch.where(chosen % 2 == index)[0]
        if len(mine):
            out = out.index_add(0, mine, weight[mine, None] * expert(h[mine]))
    return out


def attend(m: nn.Module, h: Tensor) -> Tensor:
    q, k, v = m.qkv(tokens(h)).chunk(3, -1)
    return F.scaled_dot_product_attention(q, k, v).flatten(1)


def sequence_first(m: nn.Module, h: Tensor) -> Tensor:
    return m.small(tokens(h).transpose(0, 1)).transpose(0, 1).flatten(1)


def merged(m: nn.Module, h: Tensor) -> Tensor:
    return m.small(h.reshape(-1, 3)).view(len(h), WIDTH)


def clever(m: nn.Module, h: Tensor) -> Tensor:
    return m.layer(h) if h[0, 0].item() > 0 else m.other(h)


def top(m: nn.Module, h: Tensor) -> Tensor:
    found = m.layer(h).topk(2)
    return h.scatter(1, found.indices, found.values)


def running(m: nn.Module, h: Tensor) -> Tensor:
    m.mean.lerp_(h.detach().mean(0), 0.1)
    return m.layer(h)


def drifting(m: nn.Module, h: Tensor) -> Tensor:
    m.mean += 1
    return m.layer(h) + 1e-3 * m.mean


def caching(m: nn.Module, h: Tensor) -> Tensor:
    m.memory["mask"] = m.memory.get("mask", torch.linspace(0.5, 1, WIDTH).to(h))
    return m.layer(h) * m.memory["mask"]


SMALL: dict[str, Callable[[], object]] = {"small": lambda: nn.Linear(3, 3)}
TWO = LAYER | {"other": linear}
MEAN = LAYER | {"mean": lambda: nn.Buffer(torch.zeros(WIDTH))}

APART: dict[str, tuple[Step, dict[str, Callable[[], object]]]] = {
    "linear": (lambda m, h: m.layer(h), LAYER),
    "tanh": (lambda m, h: torch.tanh(m.layer(h)), LAYER),
    "relu, in place": (lambda m, h: m.layer(h).relu_(), LAYER),
    "residual": (lambda m, h: h + F.gelu(m.layer(h)), LAYER),
    "layer norm": (lambda m, h: m.norm(h), {"norm": lambda: nn.LayerNorm(WIDTH)}),
    "rms norm": (lambda m, h: m.norm(h), {"norm": lambda: nn.RMSNorm(WIDTH)}),
    "group norm": (lambda m, h: m.norm(h), {"norm": lambda: nn.GroupNorm(2, WIDTH)}),
    "twice": (lambda m, h: m.layer(torch.tanh(m.layer(h))), LAYER),
    "transposed": (lambda m, h: torch.tanh(m.layer(h)) @ m.layer.weight, LAYER),
    "normalized": (lambda m, h: m.layer(h) / m.layer.weight.norm(), LAYER),
    "scale": (lambda m, h: m.scale * h, {"scale": lambda: nn.Parameter(torch.linspace(0.5, 1.5, WIDTH))}),
    "bilinear": (lambda m, h: m.pair(h, h.tanh()), {"pair": lambda: nn.Bilinear(WIDTH, WIDTH, WIDTH)}),
    "convolution": (lambda m, h: m.conv(h[:, None]).mean(1), {"conv": lambda: nn.Conv1d(1, 2, 3, padding=1)}),
    "turned convolution": (
        lambda m, h: m.conv(h[:, None])[:, 0],
        {"conv": lambda: nn.ConvTranspose1d(1, 1, 3, padding=1)},
    ),
    "recurrent": (lambda m, h: m.rnn(tokens(h))[0].flatten(1), {"rnn": lambda: nn.GRU(3, 3, batch_first=True)}),
    "recurrent, sequence first": (
        lambda m, h: m.rnn(tokens(h).transpose(0, 1))[0].transpose(0, 1).flatten(1),
        {"rnn": lambda: nn.LSTM(3, 3)},
    ),
    "attention": (attend, {"qkv": lambda: nn.Linear(3, 9)}),
    "encoder": (
        lambda m, h: m.encoder(tokens(h)).flatten(1),
        {"encoder": lambda: nn.TransformerEncoderLayer(3, 1, 4, 0.0, batch_first=True)},
    ),
    "weight norm": (
        lambda m, h: m.normed(h),
        {"normed": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(WIDTH, WIDTH))},
    ),
    "words": (lambda m, h: m.embed((h > 0).long()).mean(-1), {"embed": lambda: nn.Embedding(2, 4)}),
    "sequence first": (sequence_first, SMALL),
    "merged": (merged, SMALL),
    "sort": (sort, LAYER),
    "halves": (halves, LAYER),
    "flips twice": (lambda m, h: m.layer(h.flip(0)).flip(0), LAYER),
    "rolls back": (lambda m, h: m.layer(h.roll(2, 0)).roll(-2, 0), LAYER),
    "row by row": (lambda m, h: torch.stack([m.layer(row) for row in h]), LAYER),
    "by mask": (by_mask, TWO),
    "experts": (experts, TWO | {"third": linear}),
    "where": (lambda m, h: torch.where(h[:, :1] > 0, m.layer(h), m.other(h)), TWO),
    "columns by number": (lambda m, h: m.layer(h)[torch.arange(len(h)), :].clone(), LAYER),
    "running mean": (running, MEAN),
    "cache": (caching, LAYER | {"memory": dict}),
    "detached": (lambda m, h: m.layer(h) * h.detach(), LAYER),
    "maximum": (lambda m, h: h + m.layer(h).max(1, keepdim=True).values, LAYER),
    "cumulative": (lambda m, h: m.layer(h).cumsum(1).tanh(), LAYER),
    "top": (top, LAYER),
    "einsum": (lambda m, h: torch.einsum("ni,oi->no", h, m.layer.weight).sin(), LAYER),
    "outer": (lambda m, h: torch.einsum("ni,nj->nij", h, m.layer(h)).mean(1), LAYER),
    "distances to centres": (
        lambda m, h: torch.exp(-torch.cdist(h, m.centres)),
        {"centres": lambda: nn.Parameter(torch.randn(WIDTH, WIDTH))},
    ),
}
# Treats samples apart or not as the rest of the network has it; how is told by the network itself.
ODD: dict[str, tuple[Step, dict[str, Callable[[], object]]]] = {
    "centres": (lambda m, h: m.layer(h - h.mean(0)), LAYER),
    "centres a little": (lambda m, h: m.layer(h - 1e-3 * h.mean(0)), LAYER),
    "centres, detached": (lambda m, h: m.layer(h - h.mean(0).detach()), LAYER),
    "flips once": (lambda m, h: m.layer(h.flip(0)), LAYER),
    "rolls": (lambda m, h: m.layer(h) + h.roll(1, 0), LAYER),
    "adds up": (lambda m, h: m.layer(h).cumsum(0), LAYER),
    "softmax over samples": (lambda m, h: m.layer(h).softmax(0), LAYER),
    "times the number": (lambda m, h: m.layer(h) * len(h), LAYER),
    "merged wrongly": (lambda m, h: m.small(h.reshape(-1, 3)).view(2, len(h), 3).transpose(0, 1).flatten(1), SMALL),
    "many only": (lambda m, h: m.layer(h) + (h.mean(0) if len(h) > 3 else 0), LAYER),
    "loud ones": (lambda m, h: m.layer(h) + (h.mean(0) if bool((h > 2).any()) else 0), LAYER),
    "clever": (clever, TWO),
    "attends to samples": (lambda m, h: F.scaled_dot_product_attention(*3 * (m.layer(h)[None],))[0], LAYER),
    "batch norm": (lambda m, h: F.batch_norm(m.layer(h), None, None, training=True) if len(h) > 1 else h, LAYER),
    "mean of nothing": (lambda m, h: m.layer(h) + 0 * h.mean(0), LAYER),
    "drifts": (drifting, MEAN),
}
RANDOM: dict[str, tuple[Step, dict[str, Callable[[], object]]]] = {
    "dropout": (lambda m, h: F.dropout(m.layer(h), 0.05, training=True), LAYER),
    "noise": (lambda m, h: m.layer(h) + 1e-3 * torch.randn_like(h), LAYER),
    "depth": (lambda m, h: h if random.random() < 0.1 else m.layer(h), LAYER),
    "depth by torch": (lambda m, h: h if torch.rand(()).item() < 0.1 else m.layer(h), LAYER),
    "attention dropout": (
        lambda m, h: F.scaled_dot_product_attention(*m.qkv(tokens(h)).chunk(3, -1), dropout_p=0.1).flatten(1),
        {"qkv": lambda: nn.Linear(3, 9)},
    ),
}
STEPS = APART | ODD | RANDOM


class Chain(nn.Module):
    """Steps one after the other, some of them at two places, and a readout."""

    def __init__(self, names: list[str], share: bool, num_outputs: int) -> None:
        super().__init__()
        made = {name: self._part(name) for name in names}
        self.names = names
        self.parts = nn.ModuleList(made[name] if share else self._part(name) for name in names)
        self.readout = nn.Linear(WIDTH, num_outputs)

    def _part(self, name: str) -> nn.Module:
        part = nn.Module()
        for key, make in STEPS[name][1].items():
            setattr(part, key, make())
        return part

    def forward(self, x: Tensor) -> Tensor:
        for name, part in zip(self.names, self.parts, strict=True):
            x = STEPS[name][0](part, x)
        return self.readout(x)


@dataclass(frozen=True)
class Example:
    """A network with its samples: `num_x2` of others, or none; frozen is the share of parameters that do not count."""

    names: list[str]
    share: bool
    num_outputs: int
    n: int
    num_x2: int
    frozen: float
    outputs: str
    small_budget: bool
    seed: int

    @property
    def is_random(self) -> bool:
        return any(name in RANDOM for name in self.names)

    def build(self) -> tuple[nn.Module, Tensor, Tensor | None]:
        torch.manual_seed(self.seed)
        model = Chain(self.names, self.share, self.num_outputs).double()
        for parameter in list(model.parts.parameters()):
            if torch.rand(()) < self.frozen:
                parameter.requires_grad_(False)
        x = 2 * torch.randn(self.n + self.num_x2, WIDTH, dtype=torch.float64)
        return model, x[: self.n], x[self.n :] if self.num_x2 else None


def examples() -> st.SearchStrategy[Example]:
    """Mostly of steps that treat samples apart."""
    apart = st.sampled_from(sorted(APART))
    step = st.one_of(apart, apart, apart, apart, apart, st.sampled_from(sorted(ODD)), st.sampled_from(sorted(RANDOM)))
    return st.builds(
        Example,
        names=st.one_of(st.lists(apart, min_size=1, max_size=4), st.lists(step, min_size=1, max_size=4)),
        share=st.booleans(),
        num_outputs=st.integers(1, 3),
        n=st.integers(1, 7),
        num_x2=st.sampled_from([0, 0, 1, 5]),
        frozen=st.sampled_from([0.0, 0.0, 0.3]),
        outputs=st.sampled_from(["trace", "full", "diagonal"]),
        small_budget=st.booleans(),
        seed=st.integers(0, 2**16),
    )


def varies(model: nn.Module, *samples: Tensor | None) -> bool:
    """Whether outputs or gradients on these samples depend on random numbers, whatever these are."""
    seen = set()
    for seed in range(300):
        random.seed(seed)
        torch.manual_seed(seed)
        found = [t for x in samples if x is not None for way in (True, False) for t in jacobian(model, x, alone=way)]
        seen.add(tuple((t + 0.0).numpy().tobytes() for t in found))  # -0.0 is 0.0
    return len(seen) > 1


def jacobian(model: nn.Module, x: Tensor, *, alone: bool) -> tuple[Tensor, Tensor]:
    """Outputs (n, k) and their gradients (n, k, p): each sample by itself, or in its batch; of fresh copies."""
    values: list[Tensor] = []
    rows: list[Tensor] = []
    for i in range(len(x)):
        fresh = copy.deepcopy(model)
        wanted = [p for p in fresh.parameters() if p.requires_grad]
        y = fresh(x[i : i + 1].clone())[0] if alone else fresh(x.clone())[i]
        values.append(y.detach())
        for output in y:
            found = torch.autograd.grad(output, wanted, retain_graph=True, allow_unused=True)
            parts = [torch.zeros_like(p) if g is None else g for g, p in zip(found, wanted, strict=True)]
            rows.append(torch.cat([g.flatten() for g in parts]))
    return torch.stack(values), torch.stack(rows).view(len(x), -1, rows[0].numel())


def disagreement(model: nn.Module, x: Tensor) -> float:
    """How far outputs and gradients of samples in their batch are from those of samples alone, relative."""
    pairs = zip(jacobian(model, x, alone=True), jacobian(model, x, alone=False), strict=True)
    return max(float((a - b).norm() / max(float(a.norm()), float(b.norm()), 1e-300)) for a, b in pairs)


def remembers(model: nn.Module, x: Tensor) -> bool:
    """Whether a second call gives another result."""
    fresh = copy.deepcopy(model)
    first, second = (fresh(x[:1].clone()).detach() for _ in range(2))
    return float((first - second).norm()) > 1e-12 * float(first.norm())


def kernel(model: nn.Module, x1: Tensor, x2: Tensor | None, outputs: str) -> Tensor:
    """That of samples alone."""
    _, j1 = jacobian(model, x1, alone=True)
    j2 = j1 if x2 is None else jacobian(model, x2, alone=True)[1]
    full = torch.einsum("nap,mbp->nmab", j1, j2)
    diagonal = full.diagonal(dim1=2, dim2=3)
    return {"full": full, "diagonal": diagonal, "trace": diagonal.sum(-1)}[outputs]
