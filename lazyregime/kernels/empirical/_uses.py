"""Every operation that uses a parameter, whatever module it is in: found in the trace, checked in autograd's graph."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from lazyregime.kernels.empirical._graph import nodes
from lazyregime.kernels.empirical.proof import PARAMETER, Entry, Trace, View, is_view, name_of

# Views that may have an element twice.
_NOT_FOLLOWED = frozenset(("as_strided", "unfold"))


@final
@dataclass(frozen=True)
class Elements:
    """Which elements of a parameter an operand holds: a view of it, or of the rows of it that constant indices name."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    rows: tuple[int, ...] | None = None
    width: int = 0

    @property
    def numel(self) -> int:
        """How many; what is broadcast counts once."""
        return math.prod(self.sizes)

    def distinct(self) -> bool:
        """Whether no element is there twice."""
        reach = 0
        for stride, size in sorted(zip(self.strides, self.sizes, strict=True)):
            if size > 1:
                if stride <= reach:
                    return False
                reach += stride * (size - 1)
        return self.rows is None or len(set(self.rows)) == len(self.rows)

    def places(self) -> Tensor:
        """Their numbers in the parameter, flat."""
        index = torch.tensor(self.offset)
        for size, stride in zip(self.sizes, self.strides, strict=True):
            index = index[..., None] + torch.arange(size) * stride
        index = index.flatten()
        if self.rows is None:
            return index
        return torch.tensor(self.rows)[index // self.width] * self.width + index % self.width


@final
@dataclass(frozen=True)
class Use:
    """An operand of an operation (by its number in the trace) that is a parameter, or a view of one."""

    op: int
    place: int
    elements: Elements


@final
@dataclass
class Uses:
    """Those of one parameter; the operations that only lead to them; and where it is not known what is done with it."""

    found: list[Use]
    views: set[int]
    unknown: str = ""


def operations(trace: Trace) -> Iterator[tuple[int, Entry]]:
    """The operations of a trace by their number; events have none."""
    number = 0
    for entry in trace.entries:
        if not isinstance(entry.op, str):
            yield number, entry
            number += 1


def find_uses(
    trace: Trace, constants: Mapping[int, Sequence[int]], parameters: Mapping[str, Tensor], counted: Collection[str]
) -> dict[str, Uses]:
    """The uses of those parameters that count.

    Args:
        trace: A forward pass.
        constants: What the indices of lookups are, by the number of the operation, where they do not depend on samples.
        parameters: All.
        counted: Those that count.
    """
    stored = _stored(trace, parameters)
    looked_up: dict[int, tuple[str, Elements]] = {}
    uses = {name: Uses([], set()) for name in sorted(counted)}
    for number, entry in operations(trace):
        for place, view in enumerate(entry.operands):
            name, base = looked_up.get(view.storage) or (_owner(stored.get(view.storage, ()), view, parameters), None)
            if name not in uses or not entry.grad:
                continue
            mine, elements = uses[name], _elements(view, base, parameters[name])
            if elements is None or name_of(entry.op) in _NOT_FOLLOWED:
                mine.unknown = mine.unknown or f"{name_of(entry.op)} takes a part of it that is not followed"
            elif is_view(entry):
                mine.views.add(number)
                if name_of(entry.op) == "expand":
                    mine.found.append(Use(number, place, elements))
            elif place == 0 and number in constants and base is None and view.sizes == parameters[name].shape:
                rows, out = constants[number], entry.outputs[0]
                mine.views.add(number)
                looked_up[out.storage] = name, Elements((), (), 0, tuple(rows), parameters[name].shape[1])
            else:
                mine.found.append(Use(number, place, elements))
    return uses


def _stored(trace: Trace, parameters: Mapping[str, Tensor]) -> dict[int, list[str]]:
    """The parameters that share a storage, as those of a recurrent layer on a GPU do."""
    together: dict[int, list[str]] = {}
    for name, p in parameters.items():
        together.setdefault(p.untyped_storage()._cdata, []).append(name)
    named = {name: names for names in together.values() for name in names}
    sources = {serial: source.removeprefix(PARAMETER) for serial, source in trace.sources.items()}
    return {serial: named[name] for serial, name in sources.items() if name in named}


def _owner(names: Sequence[str], view: View, parameters: Mapping[str, Tensor]) -> str | None:
    for name in names:
        p = parameters[name]
        if 0 <= view.offset - int(p.storage_offset()) < max(1, p.numel()) and view.dtype == p.dtype:
            return name
    return None


def _elements(view: View, base: Elements | None, parameter: Tensor) -> Elements | None:
    if base is None and not parameter.is_contiguous():
        return None
    start = int(parameter.storage_offset()) if base is None else 0
    sizes = tuple(1 if stride == 0 else size for size, stride in zip(view.sizes, view.strides, strict=True))
    if base is None:
        return Elements(sizes, view.strides, view.offset - start)
    return Elements(sizes, view.strides, view.offset, base.rows, base.width)


def made_by(y: Tensor, trace: Trace, wanted: Collection[int]) -> dict[int, Any]:
    """The nodes of the graph that some operations made."""
    found: dict[int, Any] = {}
    for node in nodes([y.grad_fn]):
        number = trace.created.get(node._sequence_nr())
        if number is not None and number in wanted:
            found[number] = node
    return found


def complete(y: Tensor, trace: Trace, uses: dict[str, Uses], leaves: dict[int, str]) -> None:
    """Keep the uses that reach the output; where the graph has one that the trace does not show, say so."""
    graph = list(nodes([y.grad_fn]))
    of = {node: trace.created.get(node._sequence_nr(), -1) for node in graph}
    reached: dict[str, set[Any]] = {name: set() for name in uses}
    owned: dict[Any, set[str]] = {}
    # Children have smaller sequence numbers than the nodes that use them.
    edges: dict[str, set[tuple[int, int]]] = {name: set() for name in uses}
    for node in sorted(graph, key=lambda n: of[n]):
        for place, (child, _) in enumerate(node.next_functions):
            leaf = leaves.get(id(child.variable)) if hasattr(child, "variable") else None
            for name in {leaf} if leaf in uses else owned.get(child, ()):
                assert name is not None
                edges[name].add((of[node], place))
                if of[node] in uses[name].views:
                    owned.setdefault(node, set()).add(name)
                reached[name].add(of[node])
    for name, mine in uses.items():
        mine.found = [use for use in mine.found if (use.op, use.place) in edges[name]]
        known = mine.views | {use.op for use in mine.found}
        if mine.unknown == "" and not reached[name] <= known:
            mine.unknown = "it is also used in an operation that is not followed"
