"""The same operations for a batch of two and of n, each treating samples apart: then row i is f of sample i.

By induction over the operations: slice i of each tensor depends on sample i only, and is what a batch of any other size
would have in its place. No value is looked at, so that it holds for all samples that take this path; a path that
depends on values is no proof.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, final

import torch

from lazyregime.kernels.empirical.proof import _indexing as _indexing
from lazyregime.kernels.empirical.proof import _products as _products
from lazyregime.kernels.empirical.proof import _reductions as _reductions
from lazyregime.kernels.empirical.proof import _spatial as _spatial
from lazyregime.kernels.empirical.proof._rules import Call, find, views
from lazyregime.kernels.empirical.proof._trace import ESCAPE, INPUT, Entry, Trace, is_random, written
from lazyregime.kernels.empirical.proof._views import (
    OPAQUE,
    Kind,
    Rows,
    Type,
    View,
    a_sample_of,
    bytes_a_sample,
    rows_of,
)

EXIT = "exit "  # the event of a layer's end, followed by the layer's number; on its inputs and its output

_FILLED = ("zeros", "ones", "full", "empty", "new_zeros", "new_ones", "new_full", "new_empty", "empty_strided")
_FILLED += ("scalar_tensor", "new_empty_strided", "zeros_like", "ones_like", "full_like", "empty_like")
# Arguments that are sizes: what they lead to shows in the geometry of the result.
_SIZES = frozenset(("size", "shape", "repeats", "sizes", "stride", "N", "expand_size"))


class Unproven(Exception):
    """Why it is not shown that samples are treated apart."""


@final
@dataclass
class _Side:
    """One of the two batches: its size, and what its storages hold (bytes a sample where they count samples)."""

    n: int
    holds: dict[int, Kind | int] = field(default_factory=dict[int, Kind | int])

    def type(self, view: View) -> Type:
        held = self.holds.get(view.storage, Kind.CONSTANT)
        if view.storage == OPAQUE or held is Kind.MIXED:
            return Kind.MIXED
        if view.numel == 0:
            return Kind.UNIFORM
        if isinstance(held, Kind):
            return held
        return rows_of(view, held, self.n) or Kind.MIXED


@final
class Proof:
    """Walks through two traces at once; afterwards `layers` has the calls whose inputs and output count samples first.

    Raises:
        Unproven: If the traces differ by more than the number of samples, or the output may mix them.
    """

    def __init__(self, small: Trace, large: Trace) -> None:
        self.traces = small, large
        self.sides = _Side(small.num_rows), _Side(large.num_rows)
        self.layers: dict[str, list[bool]] = {}
        self.reason = ""
        if small.sources != large.sources:
            raise Unproven("it uses other constants for another number of samples")
        if len(small.entries) != len(large.entries):
            raise Unproven("it does other operations for another number of samples")
        for side, trace in zip(self.sides, self.traces, strict=True):
            side.holds.update(trace.rows)
        for entries in zip(small.entries, large.entries, strict=True):
            self._step(*entries)
        self._end()

    def _end(self) -> None:
        outputs = [trace.output for trace in self.traces]
        assert outputs[0] is not None and outputs[1] is not None
        (found,) = set(self._types(outputs[0], outputs[1]).values()) or {Kind.MIXED}
        if found is Kind.MIXED:
            raise Unproven(self.reason or "its output does not have a row for each sample, in their order")
        if found != Rows(0, 1):
            raise Unproven("its output does not have a row for each sample, in their order")

    def _types(self, a: View, b: View) -> dict[View, Type]:
        """What an operand holds in both batches; a constant that grows with them counts samples."""
        types = [side.type(view) for side, view in zip(self.sides, (a, b), strict=True)]
        if a.storage != b.storage or a.dtype != b.dtype or a.ndim != b.ndim:
            raise Unproven("it does other operations for another number of samples")
        if Kind.MIXED in types:
            return {a: Kind.MIXED, b: Kind.MIXED}
        if types[0] in (Kind.CONSTANT, Kind.UNIFORM) and types[0] == types[1] and a.sizes != b.sizes:
            promoted = self._grows(a, b, types[0])
            return {a: promoted, b: promoted}
        if types[0] != types[1]:
            raise Unproven("its tensors have other shapes for another number of samples")
        if types[0] not in (Kind.UNIFORM, Kind.INDEX):
            parts = [
                a_sample_of(view, found, held if isinstance(held := side.holds.get(view.storage), int) else 1, side.n)
                for view, found, side in zip((a, b), types, self.sides, strict=True)
            ]
            if parts[0] != parts[1]:
                raise Unproven("its tensors have other shapes for another number of samples")
        return {a: types[0], b: types[1]}

    def _grows(self, a: View, b: View, held: Kind) -> Type:
        (n, m), found = (side.n for side in self.sides), []
        for dim, (size, other) in enumerate(zip(a.sizes, b.sizes, strict=True)):
            if size != other:
                if size * m != other * n or size % n or (held is Kind.CONSTANT and (a.strides[dim] or b.strides[dim])):
                    return Kind.MIXED
                found.append(Rows(dim, size // n))
        return found[0] if len(found) == 1 else Kind.MIXED

    def _step(self, a: Entry, b: Entry) -> None:
        if a.op != b.op or a.grad != b.grad:
            raise Unproven("it does other operations for another number of samples")
        operands = [list(views((entry.args, dict(entry.kwargs)))) for entry in (a, b)]
        if len(operands[0]) != len(operands[1]):
            raise Unproven(f"{_name(a.op)} has other arguments for another number of samples")
        pairs = list(zip(*operands, strict=True))
        types: dict[View, Type] = {}
        for pair in pairs:
            types |= self._types(*pair)
        if isinstance(a.op, str):
            self._event(a.op, [types[view] for view, _ in pairs])
            return
        alias = _is_view(a)
        named = [_named(entry) for entry in (a, b)]
        if not alias and not _same(a, b, *named):
            raise Unproven(f"{_name(a.op)} has other arguments for another number of samples")
        kinds = set(types.values())
        if _shows_values(a, named[0]) and any(isinstance(kind, Rows) or kind is Kind.MIXED for kind in kinds):
            raise Unproven(f"its path depends on the values of samples ({_name(a.op)})")
        if alias:
            return
        found = self._result((a, b), named, types, kinds)
        for entry, values, side, place in zip((a, b), named, self.sides, (0, 1), strict=True):
            self._assign(entry, values, side, [kinds[place] for kinds in found])

    def _result(
        self, entries: tuple[Entry, Entry], named: list[dict[str, Any]], types: dict[View, Type], kinds: set[Type]
    ) -> list[tuple[Type | int, Type | int]]:
        """What the results hold in the small and the large batch."""
        a, b = entries
        count = max(1, len(list(views(a.outputs))))
        if _name(a.op) in _FILLED and not is_random(a.op, a.args, dict(a.kwargs)):
            return [(Kind.UNIFORM, Kind.UNIFORM)] * count
        if is_random(a.op, a.args, dict(a.kwargs)) or Kind.MIXED in kinds:
            return [(Kind.MIXED, Kind.MIXED)] * count
        if not any(isinstance(kind, Rows) for kind in kinds) and not (kinds & {Kind.INDEX}):
            found = self._constant(a, b, named)
            return [(found, found)] * count
        apply = find(a.op)
        if apply is None:
            self.reason = self.reason or f"what {_name(a.op)} does with samples is not known"
            return [(Kind.MIXED, Kind.MIXED)] * count
        results = [apply(Call(entry, values, types)) for entry, values in zip(entries, named, strict=True)]
        if results[0] != results[1] or results[0] is Kind.MIXED:
            self.reason = self.reason or f"{_name(a.op)} may mix samples"
            return [(Kind.MIXED, Kind.MIXED)] * count
        one = isinstance(results[0], Rows | Kind)
        given: Any = (results[0],) * count if one else results[0]
        return [(kind, kind) for kind in given]

    def _constant(self, a: Entry, b: Entry, named: list[dict[str, Any]]) -> Type:
        """A constant; or one that has a part for each sample."""
        name = _name(a.op)
        outputs = [next(views(entry.outputs), None) for entry in (a, b)]
        if outputs[0] is None or outputs[1] is None or outputs[0].sizes == outputs[1].sizes:
            return Kind.CONSTANT
        if name == "arange" and all(_counts_rows(v, side.n) for v, side in zip(named, self.sides, strict=True)):
            return Kind.INDEX
        if name == "repeat":
            found = self._grows(outputs[0], outputs[1], Kind.UNIFORM)
            x = named[0]["self"]
            if isinstance(found, Rows):
                dim = found.dim - outputs[0].ndim + x.ndim
                return found if found.inner == (x.sizes[dim] if dim >= 0 else 1) else Kind.MIXED
        return Kind.MIXED

    def _assign(self, entry: Entry, named: dict[str, Any], side: _Side, kinds: list[Any]) -> None:
        operands = {view.storage for view in views((entry.args, dict(entry.kwargs)))}
        targets = [
            named.get(place) if isinstance(place, str) else (entry.args[place] if place < len(entry.args) else None)
            for place in written(entry.op)
        ]
        for view in views(targets):
            side.holds[view.storage] = _after_write(side, view, kinds[0])
        for view, kind in zip(views(entry.outputs), [*kinds, *kinds[-1:] * 9], strict=False):
            if view.storage not in operands:
                side.holds[view.storage] = _held(view, kind, side.n)

    def _event(self, name: str, types: list[Type]) -> None:
        if name.startswith(EXIT):
            self.layers.setdefault(name.removeprefix(EXIT), []).append(all(kind == Rows(0, 1) for kind in types))
        elif name.startswith(ESCAPE) and any(isinstance(kind, Rows) or kind is Kind.MIXED for kind in types):
            raise Unproven(f"its path may depend on the values of samples (it calls {name.split()[-1]})")


def _held(view: View, kind: Type, n: int) -> Kind | int:
    if not isinstance(kind, Rows):
        return kind
    if view.numel == 0:
        return Kind.UNIFORM
    if kind.dim >= view.ndim or view.sizes[kind.dim] % (n * kind.inner):
        return Kind.MIXED
    s = bytes_a_sample(view, kind)
    return s if s and rows_of(view, s, n) == kind else Kind.MIXED


def _after_write(side: _Side, view: View, kind: Type) -> Kind | int:
    before = side.holds.get(view.storage, Kind.CONSTANT)
    if kind is Kind.MIXED or before is Kind.MIXED:
        return Kind.MIXED
    if not isinstance(kind, Rows):
        return Kind.MIXED if kind is Kind.INDEX or isinstance(before, int) else Kind.CONSTANT
    after = _held(view, kind, side.n)
    return after if before in (Kind.UNIFORM, after) else Kind.MIXED


def escape(trace: Trace) -> str | None:
    """The operation by which the values of the inputs come to Python, where they may decide what happens next."""
    reached = {serial for serial, source in trace.sources.items() if source.startswith(INPUT)}
    for entry in trace.entries:
        operands = list(views((entry.args, dict(entry.kwargs))))
        if not any(view.storage in reached or view.storage == OPAQUE for view in operands):
            continue
        if isinstance(entry.op, str):
            if entry.op.startswith(ESCAPE):
                return entry.op.split()[-1]
            continue
        if _shows_values(entry, _named(entry)):
            return _name(entry.op)
        reached |= {view.storage for view in views(entry.outputs)}
        reached |= {
            view.storage
            for place in written(entry.op)
            if isinstance(place, int) and place < len(entry.args)
            for view in views(entry.args[place])
        }
    return None


def random_operations(trace: Trace) -> Iterator[Entry]:
    """The operations that draw random numbers."""
    for entry in trace.entries:
        if not isinstance(entry.op, str) and is_random(entry.op, entry.args, dict(entry.kwargs)):
            yield entry


def _name(op: Any) -> str:
    return str(op._schema.name).removeprefix("aten::")


def _named(entry: Entry) -> dict[str, Any]:
    named = {a.name: a.default_value for a in entry.op._schema.arguments if a.has_default_value()}
    named |= {a.name: value for a, value in zip(entry.op._schema.arguments, entry.args, strict=False)}
    return named | dict(entry.kwargs)


def _is_view(entry: Entry) -> bool:
    """Whether all results lie in what went in, and nothing is written."""
    outputs = list(views(entry.outputs))
    operands = {view.storage for view in views((entry.args, dict(entry.kwargs)))}
    writes = bool(written(entry.op)) and torch.Tag.inplace_view not in entry.op.tags
    return bool(outputs) and not writes and not _name(entry.op).startswith(("set", "resize")) and all(view.storage in operands for view in outputs)


def _shows_values(entry: Entry, named: dict[str, Any]) -> bool:
    tags = entry.op.tags
    if torch.Tag.data_dependent_output in tags:
        return True
    if torch.Tag.dynamic_output_shape not in tags:
        return False
    indices = named.get("indices")
    if indices is None:
        return True
    return any(isinstance(view, View) and view.dtype.itemsize == 1 for view in indices)


def _same(a: Entry, b: Entry, named_a: dict[str, Any], named_b: dict[str, Any]) -> bool:
    """Whether two operations have the same arguments apart from tensors and sizes."""
    if named_a.keys() != named_b.keys():
        return False
    counts = _name(a.op) == "arange"
    return all(
        name in _SIZES or (counts and name == "end") or _skeleton(value) == _skeleton(named_b[name])
        for name, value in named_a.items()
    )


def _skeleton(value: Any) -> Any:
    if isinstance(value, View):
        return View
    if isinstance(value, list | tuple):
        return tuple(_skeleton(item) for item in value)
    return (type(value), value) if isinstance(value, bool | int | float) else value


def _counts_rows(named: dict[str, Any], n: int) -> bool:
    return named.get("start", 0) == 0 and named.get("step", 1) == 1 and named.get("end") == n
