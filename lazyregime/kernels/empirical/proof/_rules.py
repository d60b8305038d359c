"""If slice i of what goes in belongs to sample i, where does the slice of sample i lie in what comes out?

A rule answers for one kind of operation. It is asked only if some operand counts samples and none is mixed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch

from lazyregime.kernels.empirical.proof._trace import Entry
from lazyregime.kernels.empirical.proof._views import Kind, Rows, Type, View


@final
@dataclass(frozen=True)
class Call:
    """An operation, its arguments by name, and what its operands hold."""

    entry: Entry
    named: dict[str, Any]
    types: dict[View, Type]

    def type(self, view: Any) -> Type:
        """What an operand holds; nothing is as good as a constant."""
        return self.types[view] if isinstance(view, View) else Kind.UNIFORM

    def rows(self, view: Any) -> Rows | None:
        """How an operand counts samples, if it does."""
        found = self.type(view)
        return found if isinstance(found, Rows) else None

    @property
    def operands(self) -> tuple[View, ...]:
        """All tensors that go in."""
        return self.entry.operands

    def fixed(self, *names: str) -> bool:
        """Whether none of these arguments counts samples."""
        return all(self.rows(self.named.get(name)) is None for name in names)

    def out(self, place: int = 0) -> View | None:
        """One of the results."""
        outputs = self.entry.outputs
        return outputs[place] if place < len(outputs) else None


Rule = Callable[[Call], Type | tuple[Type, ...]]
RULES: dict[str, Rule] = {}


def rule(*operations: str) -> Callable[[Rule], Rule]:
    """The rule of these operations; a trailing underscore (in place) means the same."""

    def register(function: Rule) -> Rule:
        for operation in operations:
            RULES[operation] = function
        return function

    return register


def find(op: Any) -> Rule | None:
    """The rule of an operation, for all its overloads and in place."""
    name: str = op._schema.name.removeprefix("aten::")
    found = RULES.get(name) or RULES.get(name.rstrip("_")) if name.startswith("_") else RULES.get(name.rstrip("_"))
    if found is None and torch.Tag.pointwise in op.tags and torch.Tag.reduction not in op.tags:
        return pointwise
    return found


def aligned(call: Call, operands: Sequence[View], ndim: int) -> Type:
    """Where samples are after broadcasting; constants must be the same for all of them."""
    found: tuple[int, int, int] | None = None
    for view in operands:
        rows = call.rows(view)
        if rows is not None:
            place = (rows.dim - view.ndim, rows.inner, view.sizes[rows.dim])
            if found is not None and place != found:
                return Kind.MIXED
            found = place
    if found is None:
        return Kind.CONSTANT
    for view in operands:
        if call.rows(view) is None and not _same_for_all(call, view, view.ndim + found[0]):
            return Kind.MIXED
    return Rows(ndim + found[0], found[1])


def _same_for_all(call: Call, view: View, dim: int) -> bool:
    return call.type(view) is Kind.UNIFORM or dim < 0 or view.sizes[dim] == 1 or view.strides[dim] == 0


def pointwise(call: Call) -> Type:
    """Elementwise, with broadcasting."""
    out = call.out()
    ndim = call.operands[0].ndim if out is None else out.ndim
    return aligned(call, call.operands, ndim)


for _name in (
    *("_to_copy", "copy", "fill", "zero", "masked_fill", "hardswish", "log_sigmoid_forward", "hardtanh", "softplus"),
    *("_prelu_kernel", "prelu", "rrelu_with_noise", "native_dropout", "dropout", "lift_fresh", "lift_fresh_copy"),
    *("bucketize", "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "polar", "complex", "isin", "hardshrink"),
    *("threshold", "contiguous", "resolve_conj", "resolve_neg", "bernoulli", "nan_to_num", "special_erf", "lerp"),
    *("zeros_like", "ones_like", "full_like", "empty_like", "detach_copy", "clone", "where", "relu6", "softshrink"),
):
    RULES[_name] = pointwise


def _loss_reduces(call: Call) -> bool:
    return call.named.get("reduction", 0) != 0


@rule("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss")
def elementwise_loss(call: Call) -> Type:
    """As `pointwise`, unless the result is a mean or sum."""
    return Kind.MIXED if _loss_reduces(call) else pointwise(call)


def normal(dim: int, ndim: int) -> int:
    """A dimension counted from the front."""
    return dim + ndim if dim < 0 else dim


def dims_of(value: Any, ndim: int) -> set[int]:
    """The dimensions an argument names; all if it names none."""
    if value is None or (isinstance(value, list | tuple) and not value):
        return set(range(ndim))
    return {normal(dim, ndim) for dim in (value if isinstance(value, list | tuple) else (value,))}
