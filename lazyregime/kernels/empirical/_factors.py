"""grad_k w(x) = w sum_t b_kt a_t^T: what a rule returns, and the two forms a layer's term is computed in.

Shapes: n, m inputs; k outputs; g groups; t positions; p columns of a position's input; o columns of its output.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

import torch
from torch import Tensor

Outputs = Literal["trace", "full", "diagonal"]

# Numbers that a matrix product adds up in single precision before the sum goes on in double: 2% more time, and 30 times
# less rounding in a sum of two million.
_LONG = 1 << 15
# The elements a temporary of the Gram form may have.
TEMPORARY = 1 << 20


@final
@dataclass(frozen=True)
class Outer:
    """Per-sample gradients that are sums of outer products: weight * sum_t b_kt a_t^T, and bias * sum_t b_kt.

    Attributes:
        a: pieces (n, g, t, p_i) of the layer's input, concatenated along p.
        b: (n, k, g, t, o) gradients of the outputs by the layer's output; None is the identity (o = k, t = g = 1).
        weight: the weight's forward multiplier; 0 when it is not trained.
        bias: the bias's forward multiplier; 0 without a trained bias.
        columns: b as its k slices (n, t, o), for g = 1, where stacking them would only copy them; then b is None.
    """

    a: tuple[Tensor, ...]
    b: Tensor | None
    weight: float = 1.0
    bias: float = 0.0
    columns: tuple[Tensor, ...] | None = None

    def without_numbers(self) -> "Outer":
        """Its shapes alone."""
        b = None if self.b is None else self.b.to("meta")
        columns = None if self.columns is None else tuple(column.to("meta") for column in self.columns)
        return replace(self, a=tuple(piece.to("meta") for piece in self.a), b=b, columns=columns)


@final
@dataclass(frozen=True)
class Rows:
    """Per-sample gradients as they are: g (n, k, p)."""

    g: Tensor

    def without_numbers(self) -> "Rows":
        """Its shape alone."""
        return Rows(self.g.to("meta"))


@final
@dataclass(frozen=True)
class Lookup:
    """Per-sample gradients of a table: row ids[t] receives b_kt. ids (n, t); b (n, k, t, o)."""

    ids: Tensor
    b: Tensor

    def without_numbers(self) -> "Lookup":
        """Its shapes alone."""
        return Lookup(self.ids.to("meta"), self.b.to("meta"))


Factor = Outer | Rows | Lookup


@final
@dataclass(frozen=True)
class Gradients:
    """The per-sample gradient form: pieces (n, k, p_i), each with its squared multiplier."""

    pieces: tuple[Tensor, ...]
    scales: tuple[float, ...]

    def tensors(self) -> tuple[Tensor, ...]:
        """Everything that has one row a sample."""
        return self.pieces

    def with_tensors(self, tensors: Sequence[Tensor]) -> "Gradients":
        """The same form over other rows."""
        return replace(self, pieces=tuple(tensors))

    def add_to(self, other: "Gradients", out: Tensor, outputs: Outputs) -> None:
        """Out += the term of these samples with those; out is laid out as `allocate` says."""
        for g_nkp, h_mkp, scale in zip(self.pieces, other.pieces, self.scales, strict=True):
            if outputs == "trace":
                add_product(out, g_nkp.flatten(1), h_mkp.flatten(1).mT, scale)
            elif outputs == "full":
                add_product(out.flatten(2).flatten(0, 1), g_nkp.flatten(0, 1), h_mkp.flatten(0, 1).mT, scale)
            else:
                for index, block in enumerate(out):
                    add_product(block, g_nkp[:, index], h_mkp[:, index].mT, scale)


@final
@dataclass(frozen=True)
class Gram:
    """The Gram form: sum_tt' (weight a_t.a'_t' + bias) (b_kt.b'_k't'), multipliers squared.

    a is (n, t, p), or the ids (n, t) of a table; b is (n, t, k, o), or its k slices (n, o), or None for the identity.
    """

    a: Tensor
    b: Tensor | None
    weight: float
    bias: float
    num_outputs: int
    columns: tuple[Tensor, ...] | None = None

    def tensors(self) -> tuple[Tensor, ...]:
        """Everything that has one row a sample."""
        if self.columns is not None:
            return (self.a, *self.columns)
        return (self.a,) if self.b is None else (self.a, self.b)

    def with_tensors(self, tensors: Sequence[Tensor]) -> "Gram":
        """The same form over other rows."""
        if self.columns is not None:
            return replace(self, a=tensors[0], columns=tuple(tensors[1:]))
        return replace(self, a=tensors[0], b=None if self.b is None else tensors[1])

    def inner(self, other: "Gram") -> Tensor:
        """(n t, m t') weight a.a' + bias."""
        if self.a.ndim == 2:
            return (self.a.reshape(-1, 1) == other.a.reshape(1, -1)).to(None if self.b is None else self.b.dtype)
        a_ij = self.a.flatten(0, 1) @ other.a.flatten(0, 1).mT
        if self.weight != 1.0:
            a_ij.mul_(self.weight)
        return a_ij.add_(self.bias) if self.bias else a_ij

    def add_to(self, other: "Gram", out: Tensor, outputs: Outputs) -> None:
        """Out += the term of these samples with those; out is laid out as `allocate` says."""
        if self.columns is not None and other.columns is not None:
            self._add_columns(self.columns, other, other.columns, out, outputs)
            return
        if self.b is None or other.b is None:
            self._add_identity(other, out, outputs)
            return
        num_positions, k = self.b.shape[1], self.num_outputs
        per_row = other.b.shape[0] * num_positions**2 * (k * k if outputs == "full" else 1)
        rows = max(1, TEMPORARY // per_row)
        rows = rows // 24 * 24 if rows > 24 else rows  # products of other sizes may round otherwise
        for start in range(0, self.a.shape[0], rows):
            part = slice(start, start + rows)
            mine = self.with_tensors([tensor[part] for tensor in self.tensors()])
            mine._add_rows(other, out[:, part] if outputs == "diagonal" else out[part], outputs)

    def _add_rows(self, other: "Gram", out: Tensor, outputs: Outputs) -> None:
        assert self.b is not None and other.b is not None
        (n, t, k, _), m = self.b.shape, other.b.shape[0]
        a_ij = self.inner(other)
        if outputs == "trace":
            b_ij = self.b.flatten(0, 1).flatten(1) @ other.b.flatten(0, 1).flatten(1).mT
            if t == 1:
                _add_elementwise(out, a_ij, b_ij)
            else:
                out.add_(a_ij.mul_(b_ij).view(n, t, m, t).sum((1, 3)))
        elif outputs == "diagonal":
            for index, block in enumerate(out):
                b_ij = self.b[:, :, index].flatten(0, 1) @ other.b[:, :, index].flatten(0, 1).mT
                if t == 1:
                    _add_elementwise(block, a_ij, b_ij)
                else:
                    block.add_(b_ij.mul_(a_ij).view(n, t, m, t).sum((1, 3)))
        else:
            b_ij = (self.b.flatten(0, 2) @ other.b.flatten(0, 2).mT).view(n, t, k, m, t, k)
            a_ij = a_ij.view(n, t, 1, m, t, 1)
            if t == 1:
                _add_elementwise(out, a_ij[:, 0, :, :, 0], b_ij[:, 0, :, :, 0])
            else:
                out.add_(b_ij.mul_(a_ij).sum((1, 4)))

    def _add_columns(
        self, mine: tuple[Tensor, ...], other: "Gram", others: tuple[Tensor, ...], out: Tensor, outputs: Outputs
    ) -> None:
        a_ij = self.inner(other)
        if outputs == "diagonal":
            for block, x, y in zip(out, mine, others, strict=True):
                _add_elementwise(block, a_ij, x @ y.mT)
            return
        b_ij = torch.zeros_like(a_ij, dtype=out.dtype if a_ij.dtype == torch.bfloat16 else a_ij.dtype)
        for x, y in zip(mine, others, strict=True):
            add_product(b_ij, x, y.mT, 1.0)
        _add_elementwise(out, a_ij, b_ij)

    def _add_identity(self, other: "Gram", out: Tensor, outputs: Outputs) -> None:
        if outputs == "trace":
            k = self.num_outputs
            add_product(out, self.a[:, 0], other.a[:, 0].mT, self.weight * k)
            if self.bias:
                out.add_(self.bias * k)
        elif outputs == "diagonal":
            out.add_(self.inner(other))
        else:
            out.diagonal(dim1=1, dim2=3).add_(self.inner(other)[..., None])


Form = Gradients | Gram


def allocate(n: int, m: int, k: int, outputs: Outputs, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The accumulator: trace (n, m), diagonal (k, n, m), full (n, k, m, k)."""
    shape = {"trace": (n, m), "diagonal": (k, n, m), "full": (n, k, m, k)}[outputs]
    return torch.zeros(shape, dtype=dtype, device=device)


def add_product(out: Tensor, x: Tensor, y: Tensor, scale: float) -> None:
    """Out += scale x y, inside the matrix product where the types allow it and its sums are short."""
    if x.dtype == torch.float32 and x.shape[1] > _LONG:
        _add_long(out, x, y, scale)
    elif out.dtype == x.dtype:
        out.addmm_(x, y, alpha=scale)
    else:
        out.add_(x @ y, alpha=scale)


def _add_long(out: Tensor, x: Tensor, y: Tensor, scale: float) -> None:
    """Parts of the sums are added up in double precision: one after the other in single, they lose two digits."""
    rows = max(24, TEMPORARY // max(1, y.shape[1]) // 24 * 24)
    for start in range(0, x.shape[0], rows):
        mine = x[start : start + rows]
        total = torch.zeros(mine.shape[0], y.shape[1], dtype=torch.float64, device=x.device)
        for at in range(0, x.shape[1], _LONG):
            total += mine[:, at : at + _LONG] @ y[at : at + _LONG]
        out[start : start + rows].add_(total, alpha=scale)


def _add_elementwise(out: Tensor, x: Tensor, y: Tensor) -> None:
    if out.dtype == x.dtype == y.dtype:
        out.addcmul_(x, y)
    else:
        out.add_(x * y)
