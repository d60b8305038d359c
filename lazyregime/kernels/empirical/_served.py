"""Which parameters are served by rules for operations, where no module's rule serves them, and what these are given."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.graph import GradientEdge

from lazyregime.kernels.empirical._operations import Operation
from lazyregime.kernels.empirical._recording import Recording, Seen
from lazyregime.kernels.empirical._rules_operations import RULES, TOGETHER, suits
from lazyregime.kernels.empirical._sums import Sum
from lazyregime.kernels.empirical._uses import Use, Uses, made_by
from lazyregime.kernels.empirical.proof import RowsOf, Unproven


def operations_of(name: str, uses: Uses, nodes: dict[int, Any], kinds: dict[int, Any]) -> list[Operation] | str:
    """Every operation that uses a parameter, or why a rule cannot serve it."""
    if uses.unknown:
        return uses.unknown
    found: list[Operation] = []
    for use in uses.found:
        node, (given, made) = nodes[use.op], kinds[use.op]
        if isinstance(given[use.place], RowsOf) or (node.name() == "ExpandBackward0" and not _counts(made)):
            continue  # it has been repeated for each sample already, or not yet
        operation = _operation(use, node, given, made)
        if operation is None:
            return f"no rule for how {node.name().removesuffix('Backward0')} uses it"
        found.append(operation)
    return found or "no operation is found that uses it"


def _counts(made: Sequence[Any]) -> bool:
    return len(made) == 1 and isinstance(made[0], RowsOf)


def _operation(use: Use, node: Any, given: Sequence[Any], made: Sequence[Any]) -> Operation | None:
    rule = RULES.get(node.name())
    if rule is None or use.place not in rule.places or not isinstance(made[0], RowsOf):
        return None
    beside = given[rule.beside] if rule.beside is not None else None
    operation = Operation(
        node.name(),
        use.op,
        ((rule.places[use.place], use.place),),
        (use.elements,),
        made[0],
        beside if isinstance(beside, RowsOf) else None,
        rule.options(node),
    )
    return operation if suits(operation, len(node._input_metadata[0].shape)) else None


def grouped(served: dict[str, list[Operation]]) -> list[tuple[dict[str, str], list[Operation], Sum]]:
    """Weights with their biases, where both are used by the same operations: full names by operand, operations."""
    groups: list[tuple[dict[str, str], list[Operation], Sum]] = []
    places: dict[tuple[int, ...], int] = {}
    for name, operations in served.items():
        how = _sum(operations)
        key = tuple(o.op for o in operations)
        mine = operations[0].places[0][0]
        together = how == "joined" and all(o.node in TOGETHER for o in operations)
        if together and key in places and mine not in groups[places[key]][0]:
            names, others, _ = groups[places[key]]
            names[mine] = name
            others[:] = [_both(a, b) for a, b in zip(others, operations, strict=True)]
            continue
        if together:
            places[key] = len(groups)
        groups.append(({mine: name}, list(operations), how))
    return groups


def _both(a: Operation, b: Operation) -> Operation:
    return a._replace(places=a.places + b.places, elements=a.elements + b.elements)


def _sum(operations: Sequence[Operation]) -> Sum:
    first = operations[0]
    alike = all(o.node == first.node and o.elements == first.elements and o.places == first.places for o in operations)
    if alike and all(o.options == first.options for o in operations):
        return "joined"
    parts = [o.elements[0].places() for o in operations]
    total = sum(len(part) for part in parts)
    return "apart" if len({int(place) for part in parts for place in part}) == total else "written out"


def take(found: Recording, operations: Sequence[Operation]) -> list[Seen]:
    """What the rules of operations are given of a forward pass.

    Raises:
        Unproven: If the graph has other operations.
    """
    nodes = made_by(found.y, found.trace, {o.op for o in operations})
    n = found.x.shape[0]
    seen: list[Seen] = []
    for operation in operations:
        node = nodes.get(operation.op)
        if node is None or node.name() != operation.node:
            raise Unproven("its graph has other operations for another number of samples")
        taken = RULES[operation.node].take(operation, node, n)
        versions = tuple(value._version for value in taken.inputs)
        shape = torch.Size(node._input_metadata[0].shape)
        seen.append(Seen(taken.inputs, versions, GradientEdge(node, 0), shape, frozenset(), None, taken.arrange))
    return seen
