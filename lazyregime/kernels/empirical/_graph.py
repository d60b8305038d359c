"""What a graph of autograd says of a forward pass: where each weight is used, and whose backward passes are in it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lazyregime.kernels.empirical._recording import Seen


def weights_used(y: Tensor) -> dict[int, int]:
    """How often each leaf (by id) is used in the graph of y."""
    return _leaf_uses([y.grad_fn], frozenset())


def weights_used_inside(call: Seen) -> dict[int, int]:
    """How often each leaf is used between a layer's inputs and its output."""
    return {} if call.edge is None else _leaf_uses([call.edge.node], call.sources)


def _leaf_uses(roots: Sequence[Any], stop: frozenset[Any]) -> dict[int, int]:
    uses: dict[int, int] = {}
    for node in nodes(roots, stop):
        for child, _ in node.next_functions:
            if hasattr(child, "variable"):
                key = id(child.variable)
                uses[key] = uses.get(key, 0) + 1
    return uses


def nodes(roots: Sequence[Any], stop: frozenset[Any] = frozenset()) -> Iterator[Any]:
    """The operations of a graph, each once."""
    visited: set[Any] = set()
    todo = [root for root in roots if root is not None and root not in stop]
    while todo:
        node = todo.pop()
        if node in visited:
            continue
        visited.add(node)
        yield node
        todo += [child for child, _ in node.next_functions if child is not None and child not in stop]


def own_backward(y: Tensor) -> str | None:
    """The first operation in the graph whose backward pass is the user's own code, which may mix samples."""
    own: Any = torch._C._FunctionBase
    return next((node.name() for node in nodes([y.grad_fn]) if isinstance(node, own)), None)


def graph_of(y: Tensor, created: Mapping[int, int], leaves: Mapping[int, str], lookups: Collection[int]) -> list[Any]:
    """All that rules take from the graph of y, but for the numbers: equal for two passes that differ in these alone.

    Args:
        y: The output.
        created: Which operation made the node with a sequence number.
        leaves: The parameters' names by their ids.
        lookups: Operations that pick rows of a table by constants, whose indices count.
    """
    root: Any = y.grad_fn
    places: dict[Any, int] = {} if root is None else {root: 0}
    found: list[Any] = []
    todo: list[Any] = [*places]
    for node in todo:  # which grows
        children: list[Any] = []
        for child, place in node.next_functions:
            if child is not None and child not in places:
                places[child] = len(todo)
                todo.append(child)
            children.append((places.get(child), place))
        leaf, operation = getattr(node, "variable", None), created.get(node._sequence_nr())
        name = leaves.get(id(leaf), "another") if leaf is not None else None
        indices = (node._saved_indices.flatten().tolist(), node._saved_padding_idx) if operation in lookups else None
        found.append((type(node), node.name(), operation, name, children, indices))
    return found
