"""The gradient of a parameter that several operations use is the sum of those by each."""

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor

from lazyregime.kernels.empirical._factors import Factor, Lookup, Outer, Rows
from lazyregime.kernels.empirical._operations import Operation
from lazyregime.kernels.empirical._registry import LayerCall
from lazyregime.kernels.empirical._rules_operations import RULES
from lazyregime.kernels.empirical._uses import Elements

# How the gradients of several uses of one parameter add up: in one layout, of disjoint parts of it, or written out.
Sum = Literal["joined", "apart", "written out"]


def factors_of(
    operations: Sequence[Operation], calls: Sequence[LayerCall], how: Sum, shape: torch.Size
) -> list[Factor]:
    """The factors of parameters that are used in several operations; `shape` is the parameter's if written out."""
    each = [RULES[o.node].factors(o, call) for o, call in zip(operations, calls, strict=True)]
    if len(each) == 1:
        return each[0]
    if how == "apart":
        return [factor for factors in each for factor in factors]
    if how == "joined":
        return [_joined(same) for same in zip(*each, strict=True)]
    return [Rows(sum_of(written_out(f, o.elements[0], shape) for f, o in zip(each, operations, strict=True)))]


def sum_of(tensors: Iterable[Tensor]) -> Tensor:
    """One after the other, so that few are there at once."""
    total: Tensor | None = None
    for tensor in tensors:
        total = tensor if total is None else total.add_(tensor)
    assert total is not None
    return total


def _joined(same: tuple[Factor, ...]) -> Factor:
    """The sum of gradients of one layout: more positions, or sums of what is written out."""
    first = same[0]
    if isinstance(first, Rows):
        return Rows(sum_of([first.g.clone(), *(f.g for f in same[1:] if isinstance(f, Rows))]))
    if isinstance(first, Lookup):
        found = [f for f in same if isinstance(f, Lookup)]
        return Lookup(torch.cat([f.ids for f in found], 1), torch.cat([f.b for f in found], 2))
    outer = [f for f in same if isinstance(f, Outer)]
    a = torch.cat([f.a[0] for f in outer], 2)
    return Outer((a,), torch.cat([f.b for f in outer if f.b is not None], 3), first.weight, first.bias)


def written_out(factors: Sequence[Factor], elements: Elements, shape: torch.Size) -> Tensor:
    """(n, k, p): the per-sample gradients of a parameter, each number in its place."""
    (factor,) = factors
    if isinstance(factor, Outer):
        assert factor.b is not None
        g = factor.weight * torch.einsum("nkgto,ngti->nkgoi", factor.b, factor.a[0]).mT.flatten(2)
        return _placed(g, elements, shape)
    if isinstance(factor, Lookup):
        n, k, t, d = factor.b.shape
        g = factor.b.new_zeros(n, k, shape.numel() // d, d)
        return g.scatter_add_(2, factor.ids[:, None, :, None].expand(n, k, t, d), factor.b).flatten(2)
    return _placed(factor.g, elements, shape)


def _placed(g: Tensor, elements: Elements, shape: torch.Size) -> Tensor:
    out = g.new_zeros(*g.shape[:2], shape.numel())
    return out.index_add_(2, elements.places().to(g.device), g)
