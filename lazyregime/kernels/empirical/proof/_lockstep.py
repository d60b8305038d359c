"""The same operations for a batch of two and of n, each treating samples apart: then row i is f of sample i.

By induction over the operations: slice i of each tensor depends on sample i only, and is what a batch of any other size
would have in its place. No value is looked at, so that it holds for all samples that take this path; a path that
depends on values is no proof.
"""

from collections.abc import Collection
from typing import Any, final

from lazyregime.kernels.empirical.proof import _indexing as _indexing
from lazyregime.kernels.empirical.proof import _products as _products
from lazyregime.kernels.empirical.proof import _reductions as _reductions
from lazyregime.kernels.empirical.proof import _spatial as _spatial
from lazyregime.kernels.empirical.proof._entries import (
    EXIT,
    counts_rows,
    is_view,
    name_of,
    named_arguments,
    same_arguments,
    shows_values,
    targets_of,
)
from lazyregime.kernels.empirical.proof._holds import Side, after_write, held_by
from lazyregime.kernels.empirical.proof._operations import is_random
from lazyregime.kernels.empirical.proof._rules import Call, find
from lazyregime.kernels.empirical.proof._trace import ESCAPE, Entry, Trace
from lazyregime.kernels.empirical.proof._views import (
    Kind,
    Rows,
    Type,
    View,
    a_sample_of,
)

_FILLED = (
    *("zeros", "ones", "full", "empty", "new_zeros", "new_ones", "new_full", "new_empty", "empty_strided"),
    *("scalar_tensor", "new_empty_strided", "zeros_like", "ones_like", "full_like", "empty_like"),
)


class Unproven(Exception):
    """Why it is not shown that samples are treated apart."""


@final
class Proof:
    """Walks through two traces at once; afterwards `layers` has the calls whose inputs and output count samples first.

    Args:
        small: Of a few samples.
        large: Of another number of samples.
        asked: Operations, by their number in the trace, of which `kinds` afterwards has what goes in and comes out.
        alone: Of one sample; afterwards `same_alone` tells whether it does the same. It need not: tensors of one sample
            are laid out in more ways than one, which may be taken for a shorter path.

    Raises:
        Unproven: If the traces differ by more than the number of samples, or the output may mix them.
    """

    def __init__(
        self, small: Trace, large: Trace, alone: Trace | None = None, asked: Collection[int] = frozenset()
    ) -> None:
        self.traces = small, large
        self.same_alone = (
            alone is not None and alone.sources == small.sources and len(alone.entries) == len(small.entries)
        )
        self.sides = Side(small.num_rows), Side(large.num_rows)
        self.layers: dict[str, list[bool]] = {}
        self.kinds: dict[int, tuple[tuple[Type, ...], tuple[Type, ...]]] = {}
        self.reason = ""
        if small.sources != large.sources:
            raise Unproven("it uses other constants for another number of samples")
        if len(small.entries) != len(large.entries):
            raise Unproven("it does other operations for another number of samples")
        for side, trace in zip(self.sides, self.traces, strict=True):
            side.holds.update(trace.rows)
        operation = 0
        for index, entries in enumerate(zip(small.entries, large.entries, strict=True)):
            types = self._step(*entries)
            if not isinstance(entries[0].op, str):
                if operation in asked:
                    self.kinds[operation] = tuple(types[v] for v in entries[0].operands), self._come_out(*entries)
                operation += 1
            if self.same_alone and alone is not None:
                self.same_alone = self._is_same(alone.entries[index], entries[0], types)
        self._end()

    def _end(self) -> None:
        outputs = [trace.output for trace in self.traces]
        assert outputs[0] is not None and outputs[1] is not None
        (found,) = set(self._types(outputs[0], outputs[1]).values()) or {Kind.MIXED}
        if found is Kind.MIXED:
            raise Unproven(self.reason or "its output does not have a row for each sample, in their order")
        if found != Rows(0, 1):
            raise Unproven("its output does not have a row for each sample, in their order")

    def _come_out(self, a: Entry, b: Entry) -> tuple[Type, ...]:
        try:
            return tuple(self._types(*views)[views[0]] for views in zip(a.outputs, b.outputs, strict=True))
        except Unproven:
            return (Kind.MIXED,) * len(a.outputs)

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

    def _is_same(self, alone: Entry, small: Entry, types: dict[View, Type]) -> bool:
        """Whether an operation on one sample is that on several, for each of them."""
        if alone.op != small.op or alone.grad != small.grad:
            return False
        if len(alone.operands) != len(small.operands):
            return False
        for one, view in zip(alone.operands, small.operands, strict=True):
            kind, held = types[view], self.sides[0].holds.get(view.storage)
            if kind is Kind.MIXED or one.storage != view.storage or one.ndim != view.ndim:
                return False
            if isinstance(kind, Rows) and not isinstance(held, int):  # a constant that grows with the batch
                continue
            if kind in (Kind.UNIFORM, Kind.INDEX):
                continue
            s = held if isinstance(held, int) else 1
            if a_sample_of(one, kind, s, 1) != a_sample_of(view, kind, s, self.sides[0].n):
                return False
        if isinstance(alone.op, str) or is_view(small):
            return True
        return same_arguments(alone, small, named_arguments(alone), named_arguments(small))

    def _step(self, a: Entry, b: Entry) -> dict[View, Type]:
        if a.op != b.op or a.grad != b.grad:
            raise Unproven("it does other operations for another number of samples")
        if len(a.operands) != len(b.operands):
            raise Unproven("it does other operations for another number of samples")
        pairs = list(zip(a.operands, b.operands, strict=True))
        types: dict[View, Type] = {}
        for pair in pairs:
            types |= self._types(*pair)
        if isinstance(a.op, str):
            self._event(a.op, [types[view] for view, _ in pairs])
            return types
        alias = is_view(a)
        named = [named_arguments(entry) for entry in (a, b)]
        if not alias and not same_arguments(a, b, *named):
            raise Unproven(f"{name_of(a.op)} has other arguments for another number of samples")
        kinds = set(types.values())
        if shows_values(a, named[0]) and any(isinstance(kind, Rows) or kind is Kind.MIXED for kind in kinds):
            raise Unproven(f"its path depends on the values of samples ({name_of(a.op)})")
        if alias:
            return types
        found = self._result((a, b), named, types, kinds)
        for entry, values, side, place in zip((a, b), named, self.sides, (0, 1), strict=True):
            self._assign(entry, values, side, [kinds[place] for kinds in found])
        return types

    def _result(
        self, entries: tuple[Entry, Entry], named: list[dict[str, Any]], types: dict[View, Type], kinds: set[Type]
    ) -> list[tuple[Type | int, Type | int]]:
        """What the results hold in the small and the large batch."""
        a, b = entries
        count = max(1, len(a.outputs))
        if name_of(a.op) in _FILLED and not is_random(a.op, a.args, dict(a.kwargs)):
            return [(Kind.UNIFORM, Kind.UNIFORM)] * count
        if is_random(a.op, a.args, dict(a.kwargs)) or Kind.MIXED in kinds:
            return [(Kind.MIXED, Kind.MIXED)] * count
        if not any(isinstance(kind, Rows) for kind in kinds) and not (kinds & {Kind.INDEX}):
            found = self._constant(a, b, named)
            return [(found, found)] * count
        apply = find(a.op)
        if apply is None:
            self.reason = self.reason or f"what {name_of(a.op)} does with samples is not known"
            return [(Kind.MIXED, Kind.MIXED)] * count
        results = [apply(Call(entry, values, types)) for entry, values in zip(entries, named, strict=True)]
        if results[0] != results[1] or results[0] is Kind.MIXED:
            self.reason = self.reason or f"{name_of(a.op)} may mix samples"
            return [(Kind.MIXED, Kind.MIXED)] * count
        one = isinstance(results[0], Rows | Kind)
        given: Any = (results[0],) * count if one else results[0]
        return [(kind, kind) for kind in given]

    def _constant(self, a: Entry, b: Entry, named: list[dict[str, Any]]) -> Type:
        """A constant; or one that has a part for each sample."""
        name = name_of(a.op)
        outputs = [entry.outputs[0] if entry.outputs else None for entry in (a, b)]
        if outputs[0] is None or outputs[1] is None or outputs[0].sizes == outputs[1].sizes:
            return Kind.CONSTANT
        if name == "arange" and all(counts_rows(v, side.n) for v, side in zip(named, self.sides, strict=True)):
            return Kind.INDEX
        if name == "repeat":
            found = self._grows(outputs[0], outputs[1], Kind.UNIFORM)
            x = named[0]["self"]
            if isinstance(found, Rows):
                dim = found.dim - outputs[0].ndim + x.ndim
                return found if found.inner == (x.sizes[dim] if dim >= 0 else 1) else Kind.MIXED
        return Kind.MIXED

    def _assign(self, entry: Entry, named: dict[str, Any], side: Side, kinds: list[Any]) -> None:
        operands = {view.storage for view in entry.operands}
        for view in targets_of(entry):
            side.holds[view.storage] = after_write(side, view, kinds[0])
        for view, kind in zip(entry.outputs, [*kinds, *kinds[-1:] * 9], strict=False):
            if view.storage not in operands:
                side.holds[view.storage] = held_by(view, kind, side.n)

    def _event(self, name: str, types: list[Type]) -> None:
        if name.startswith(EXIT):
            self.layers.setdefault(name.removeprefix(EXIT), []).append(all(kind == Rows(0, 1) for kind in types))
        elif name.startswith(ESCAPE) and any(isinstance(kind, Rows) or kind is Kind.MIXED for kind in types):
            raise Unproven(f"its path depends on the values of samples ({name.split()[-1]})")
