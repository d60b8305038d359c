"""Questions to one operation of a trace, or to two that should be the same."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch

from lazyregime.kernels.empirical.proof._operations import is_random, written
from lazyregime.kernels.empirical.proof._trace import ESCAPE, INPUT, Entry, Trace
from lazyregime.kernels.empirical.proof._views import OPAQUE, View

EXIT = "exit "  # the event of a layer's end, followed by the layer's number; on its inputs and its output

# Arguments that are sizes: what they lead to shows in the geometry of the result.
_SIZES = frozenset(("size", "shape", "repeats", "sizes", "stride", "N", "expand_size"))


def escape(trace: Trace) -> str | None:
    """The operation by which the values of the inputs come to Python, where they may decide what happens next."""
    reached = {serial for serial, source in trace.sources.items() if source.startswith(INPUT)}
    for entry in trace.entries:
        if not any(view.storage in reached or view.storage == OPAQUE for view in entry.operands):
            continue
        if isinstance(entry.op, str):
            if entry.op.startswith(ESCAPE):
                return entry.op.split()[-1]
            continue
        if shows_values(entry, named_arguments(entry)):
            return name_of(entry.op)
        reached |= {view.storage for view in (*entry.outputs, *targets_of(entry))}
    return None


def random_operations(trace: Trace) -> Iterator[Entry]:
    """The operations that draw random numbers."""
    for entry in trace.entries:
        if not isinstance(entry.op, str) and is_random(entry.op, entry.args, dict(entry.kwargs)):
            yield entry


def targets_of(entry: Entry) -> list[View]:
    """What an operation writes to."""
    found: list[View] = []
    for place in written(entry.op):
        if isinstance(place, str):
            value: Any = dict(entry.kwargs).get(place)
        else:
            value = entry.args[place] if place < len(entry.args) else None
        found += [view for view in (value if type(value) is tuple else (value,)) if isinstance(view, View)]
    return found


@cache
def name_of(op: Any) -> str:
    return str(op._schema.name).removeprefix("aten::")


def named_arguments(entry: Entry) -> dict[str, Any]:
    names, defaults = _arguments(entry.op)
    return {**defaults, **dict(zip(names, entry.args, strict=False)), **dict(entry.kwargs)}


@cache
def _arguments(op: Any) -> Any:
    arguments = op._schema.arguments
    return [a.name for a in arguments], {a.name: a.default_value for a in arguments if a.has_default_value()}


def is_view(entry: Entry) -> bool:
    """Whether all results lie in what went in, and nothing is written."""
    operands = {view.storage for view in entry.operands}
    writes = bool(written(entry.op)) and torch.Tag.inplace_view not in entry.op.tags
    if not entry.outputs or writes or any(view.storage not in operands for view in entry.outputs):
        return False
    return not name_of(entry.op).startswith(("set_", "resize_"))


def shows_values(entry: Entry, named: dict[str, Any]) -> bool:
    tags = entry.op.tags
    if torch.Tag.data_dependent_output in tags:
        return True
    if torch.Tag.dynamic_output_shape not in tags:
        return False
    indices = named.get("indices")
    if indices is None:
        return True
    return any(isinstance(view, View) and view.dtype.itemsize == 1 for view in indices)


def same_arguments(a: Entry, b: Entry, named_a: dict[str, Any], named_b: dict[str, Any]) -> bool:
    """Whether two operations have the same arguments apart from tensors and sizes."""
    if named_a.keys() != named_b.keys():
        return False
    counts = name_of(a.op) == "arange"
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


def counts_rows(named: dict[str, Any], n: int) -> bool:
    return named.get("start", 0) == 0 and named.get("step", 1) == 1 and named.get("end") == n
