"""Per-sample gradients or Gram matrices, whichever takes fewer operations for these n, m and k."""

from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor

from lazyregime.kernels.empirical._factors import Factor, Form, Gradients, Gram, Lookup, Outer, Outputs, Rows

FormName = Literal["gradients", "gram"]

# An elementwise operation on a temporary costs about as long as this many multiply-adds of a matrix product.
_ELEMENTWISE = 32

# Below this many columns a GEMM is turned around.
_NARROW = 24


@final
@dataclass(frozen=True)
class Task:
    """The sizes that decide: n and m rows, k outputs, and whether one triangle is enough."""

    n: int
    m: int
    k: int
    outputs: Outputs
    symmetric: bool

    @property
    def pairs(self) -> float:
        """Entries of the kernel that are computed."""
        return self.n * self.m / (2 if self.symmetric else 1)

    @property
    def rows(self) -> int:
        """Rows that are recorded."""
        return self.n if self.symmetric else self.n + self.m

    @property
    def k_products(self) -> int:
        """Products of outputs a pair needs."""
        return self.k**2 if self.outputs == "full" else self.k


@final
@dataclass(frozen=True)
class Cost:
    """Floating-point operations, and numbers kept a row, of one form of one factor."""

    form: FormName
    flops: float
    kept: int


def costs(factor: Factor, task: Task) -> list[Cost]:
    """What each possible form of a factor costs."""
    k = task.k
    if isinstance(factor, Rows):
        p = factor.g.shape[2]
        return [Cost("gradients", 2.0 * task.pairs * task.k_products * p, k * p)]
    if isinstance(factor, Lookup):
        t, o = factor.ids.shape[1], factor.b.shape[-1]
        return [_gram_cost(task, 1, t, 1, o, ids=True)]
    _, g, t, _ = factor.a[0].shape
    p = sum(piece.shape[-1] for piece in factor.a)
    if factor.b is None:
        return [Cost("gram", 2.0 * task.pairs * p, p)]
    o = factor.b.shape[-1]
    size = g * o * (p * (factor.weight != 0) + (factor.bias != 0))
    gradients = Cost("gradients", 2.0 * k * task.rows * t * size + 2.0 * task.pairs * task.k_products * size, k * size)
    return [gradients, _gram_cost(task, g, t, p, o)]


def _gram_cost(task: Task, g: int, t: int, p: int, o: int, *, ids: bool = False) -> Cost:
    products = task.k_products if task.outputs != "trace" else 1
    per_pair = 2.0 * p + 2.0 * task.k_products * o + _ELEMENTWISE * products
    return Cost("gram", task.pairs * g * t * t * per_pair, g * t * (p + task.k * o))


def choose(factor: Factor, task: Task) -> Cost:
    """The cheaper form."""
    return min(costs(factor, task), key=lambda cost: cost.flops)


def build(factor: Factor, form: FormName, num_outputs: int, into: Form | None = None) -> list[Form]:
    """The factor in the chosen form; per-sample gradients may be written into rows of another's."""
    if isinstance(factor, Rows):
        return [Gradients((factor.g,), (1.0,))]
    if isinstance(factor, Lookup):
        return [Gram(factor.ids, _positions_first(factor.b), 1.0, 0.0, num_outputs)]
    if form == "gradients":
        return [_gradients(factor, into.pieces if isinstance(into, Gradients) else None)]
    a = factor.a[0] if len(factor.a) == 1 else torch.cat(factor.a, -1)
    weight, bias = factor.weight**2, factor.bias**2
    b = factor.b
    if factor.columns is not None:
        return [Gram(a[:, 0], None, weight, bias, num_outputs, factor.columns)]
    return [
        Gram(a[:, i].contiguous(), None if b is None else _positions_first(b[:, :, i]), weight, bias, num_outputs)
        for i in range(a.shape[1])
    ]


def _positions_first(b_nkto: Tensor) -> Tensor:
    return b_nkto.transpose(1, 2).contiguous()


def _gradients(factor: Outer, into: tuple[Tensor, ...] | None) -> Gradients:
    assert factor.b is not None
    n, k, g, t, o = factor.b.shape
    # (n g, k o, t): a view in the layouts the engine allocates.
    b = factor.b.permute(0, 2, 1, 4, 3)
    b = b.reshape(n, k * o, t) if g == 1 else b.reshape(n * g, k * o, t)
    inputs = [a[:, 0] if g == 1 else a.reshape(n * g, t, -1) for a in factor.a] if factor.weight else []
    pieces: list[Tensor] = []
    scales: list[float] = []
    if sum(a.shape[-1] for a in inputs) <= _NARROW:
        # A GEMM with so few columns is slow; with so few rows it is not.
        multipliers = [factor.weight] * len(inputs)
        if factor.bias:
            inputs.append(factor.b.new_ones(()).expand(n * g, t, 1))
            multipliers.append(factor.bias)
        if inputs:
            scaled = [a if c == 1.0 else a * c for a, c in zip(inputs, multipliers, strict=True)]
            piece = torch.bmm(torch.cat(scaled, -1).mT, b.mT)
            pieces.append(piece.view(n, g, -1, k, o).permute(0, 3, 1, 2, 4).reshape(n, k, -1))
            scales.append(1.0)
        return Gradients(tuple(pieces), tuple(scales))
    for index, a in enumerate(inputs):
        if g > 1:
            pieces.append(torch.bmm(b, a).view(n, g, k, -1).transpose(1, 2).reshape(n, k, -1))
        elif into is None:
            pieces.append(torch.bmm(b, a).view(n, k, -1))
        else:
            torch.bmm(b, a, out=into[index].view(n, k * o, -1))
            pieces.append(into[index])
        scales.append(factor.weight**2)
    if factor.bias:
        pieces.append(factor.b.sum(3).flatten(2))
        scales.append(factor.bias**2)
    return Gradients(tuple(pieces), tuple(scales))
