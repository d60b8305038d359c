"""Layers that are no modules: a weight and its bias, or a parameter, with all operations that use it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from torch import Tensor, nn

from lazyregime.kernels.empirical._layers import Kinds, Layer
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._operations import Operation
from lazyregime.kernels.empirical._recording import Recording
from lazyregime.kernels.empirical._registry import RegisteredRule
from lazyregime.kernels.empirical._rules_operations import RULES
from lazyregime.kernels.empirical._served import grouped, operations_of
from lazyregime.kernels.empirical._uses import Uses, complete, find_uses, made_by, operations
from lazyregime.kernels.empirical.proof import Kind as Held
from lazyregime.kernels.empirical.proof import name_of


@final
@dataclass(frozen=True)
class AllUses:
    """The uses of all parameters; of the operations `asked` it matters how they count samples."""

    of: dict[str, Uses]
    constants: dict[int, list[int]]
    nodes: dict[int, Any]

    @property
    def asked(self) -> set[int]:
        """Operations by their number."""
        return {use.op for uses in self.of.values() for use in uses.found} | set(self.constants)


def look_for_uses(loan: Loan, pair: Recording, triple: Recording) -> AllUses:
    """Where the parameters that count are used; lookups by indices that do not grow with the batch are constants."""
    sizes = {op: entry.operands[1].sizes for op, entry in operations(triple.trace) if _looks_up(entry)}
    lookups = {
        op for op, entry in operations(pair.trace) if _looks_up(entry) and sizes.get(op) == entry.operands[1].sizes
    }
    constants = {
        op: [int(i) for i in node._saved_indices.flatten()]
        for op, node in made_by(pair.y, pair.trace, lookups).items()
        if node.name() == "EmbeddingBackward0" and node._saved_padding_idx not in node._saved_indices
    }
    of = find_uses(pair.trace, constants, loan.parameters, loan.counted)
    complete(pair.y, pair.trace, of, {id(p): name for name, p in loan.parameters.items()})
    ops = {use.op for uses in of.values() for use in uses.found}
    return AllUses(of, constants, made_by(pair.y, pair.trace, ops))


def _looks_up(entry: Any) -> bool:
    return name_of(entry.op) == "embedding"


def by_operation(
    uses: AllUses,
    kinds: Kinds,
    pair: Recording,
    wanted: Collection[str],
    parameters: Mapping[str, Tensor],
    reasons: dict[str, str],
) -> list[Layer]:
    """Those that rules for operations can serve; why not, for the others, is added to the reasons."""
    served: dict[str, list[Operation]] = {}
    changing = {op for op in uses.constants if kinds[op][0][1] not in (Held.CONSTANT, Held.UNIFORM)}
    for name in parameters:
        if name not in wanted:
            continue
        if changing & uses.of[name].views:
            uses.of[name].unknown = "it is looked up by indices that are not known to be the same for all samples"
        found = operations_of(name, uses.of[name], uses.nodes, kinds)
        if isinstance(found, str):
            reasons[name] = f"{reasons[name]}; {found}" if name in reasons else found
        else:
            served[name] = found
    return [
        replace(
            _layer(names, found, how, parameters), why=next((reasons[n] for n in names.values() if n in reasons), "")
        )
        for names, found, how in grouped(served)
    ]


def _layer(names: dict[str, str], found: list[Operation], how: Any, parameters: Mapping[str, Tensor]) -> Layer:
    rule, shape = RULES[found[0].node], parameters[next(iter(names.values()))].shape
    what = rule.name if how != "written out" else "+".join(sorted({RULES[o.node].name for o in found}))
    times = f" x{len(found)}" if len(found) > 1 else ""
    registered = RegisteredRule(_none, frozenset(names), rule.channel_dim, name=what + times, builtin=True)
    return Layer(
        ", ".join(sorted(names.values(), reverse=True)),
        nn.Identity(),
        registered,
        frozenset(names),
        None,
        parameters=names,
        operations=tuple(found),
        sum=how,
        shape=shape,
    )


def _none(layer: Any, call: Any) -> list[Any]:
    raise AssertionError("operations have rules of their own")
