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
    """Floating-point operations, and numbers kept a row, of one form of one factor; and its positions."""

    form: FormName
    flops: float
    kept: int
    places: int = 1


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
    return Cost("gram", task.pairs * g * t * t * per_pair, g * t * (p + task.k * o), t)


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
        return [Gram(a[:, 0], None, weight, bias, num_outputs, tuple(c[:, 0] for c in factor.columns))]
    return [
        Gram(a[:, i].contiguous(), None if b is None else _positions_first(b[:, :, i]), weight, bias, num_outputs)
        for i in range(a.shape[1])
    ]


def takes_columns(factor: Factor, form: FormName, outputs: Outputs) -> bool:
    """Whether b's slices serve a factor as well as b: they are used one by one, and each is still in the cache."""
    if not isinstance(factor, Outer) or factor.a[0].shape[1] > 1:
        return False
    return _is_narrow(factor) if form == "gradients" else factor.a[0].shape[2] == 1 and outputs != "full"


def _is_narrow(factor: Outer) -> bool:
    return sum(a.shape[-1] for a in factor.a) * (factor.weight != 0) <= _NARROW


def _positions_first(b_nkto: Tensor) -> Tensor:
    return b_nkto.transpose(1, 2).contiguous()


def _gradients(factor: Outer, into: tuple[Tensor, ...] | None) -> Gradients:
    if _is_narrow(factor):
        return _narrow_gradients(factor)
    assert factor.b is not None
    n, k, g, t, o = factor.b.shape
    # (n g, k o, t): a view in the layouts the engine allocates.
    b = factor.b.permute(0, 2, 1, 4, 3)
    b = b.reshape(n, k * o, t) if g == 1 else b.reshape(n * g, k * o, t)
    pieces: list[Tensor] = []
    scales: list[float] = []
    for index, piece in enumerate(factor.a):
        a = piece[:, 0] if g == 1 else piece.reshape(n * g, t, -1)
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


def _narrow_gradients(factor: Outer) -> Gradients:
    """Weight's and bias's in one product, turned around: a GEMM of few columns is slow, one of few rows is not."""
    n, g, t, _ = factor.a[0].shape
    inputs = [a.reshape(n * g, t, -1) * factor.weight for a in factor.a] if factor.weight else []
    if factor.bias:
        inputs.append(factor.a[0].new_full((), factor.bias).expand(n * g, t, 1))
    if not inputs:
        return Gradients((), ())
    a = torch.cat(inputs, -1).mT
    if factor.columns is not None:
        products = torch.stack([torch.bmm(a, column) for column in factor.columns], 1)
        return Gradients((products.flatten(2),), (1.0,))
    assert factor.b is not None
    k, o = factor.b.shape[1], factor.b.shape[4]
    b = factor.b.permute(0, 2, 3, 1, 4).reshape(n * g, t, k * o)
    products = torch.bmm(a, b).view(n, g, -1, k, o).permute(0, 3, 1, 2, 4)
    return Gradients((products.reshape(n, k, -1),), (1.0,))
