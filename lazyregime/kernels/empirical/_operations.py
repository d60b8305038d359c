"""An operation that uses a parameter: what is known of it, and what a rule for its kind consists of."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from lazyregime.kernels.empirical._factors import Factor
from lazyregime.kernels.empirical._registry import LayerCall
from lazyregime.kernels.empirical._uses import Elements
from lazyregime.kernels.empirical.proof import RowsOf

Arrange = Callable[[Tensor], Tensor]


class Operation(NamedTuple):
    """One operation that uses a weight, a bias, or both.

    Attributes:
        node: the name of its node in autograd's graph.
        op: its number in the trace.
        places: where its operands "weight" and "bias" are, if they are parameters.
        elements: what these hold.
        rows: how its output counts samples.
        given: how the operand beside the parameters does, where that counts.
        options: numbers that its rule needs.
    """

    node: str
    op: int
    places: tuple[tuple[str, int], ...]
    elements: tuple[Elements, ...]
    rows: RowsOf
    given: RowsOf | None
    options: tuple[Any, ...] = ()

    def trained(self, name: str) -> bool:
        """Whether this operand is a parameter that counts."""
        return any(key == name for key, _ in self.places)


class Taken(NamedTuple):
    """What is taken of one operation: inputs with a row a sample, and how a gradient of its output gets such rows."""

    inputs: tuple[Tensor, ...]
    arrange: Arrange


class OperationRule(NamedTuple):
    """How one kind of operation is served.

    Attributes:
        name: what `explain` calls it.
        places: the operands that may be parameters.
        take: from a node of the graph and the number of samples.
        factors: from the operation and the call.
        options: numbers that are taken of a node once.
        beside: the operand beside the parameters, where its rows count.
        channel_dim: where the gradients keep their channels.
    """

    name: str
    places: dict[int, str]
    take: Callable[[Operation, Any, int], Taken]
    factors: Callable[[Operation, LayerCall], list[Factor]]
    options: Callable[[Any], tuple[Any, ...]] = lambda node: ()
    beside: int | None = None
    channel_dim: int = -1


def by_sample(x: Tensor, rows: RowsOf, n: int) -> Tensor:
    """(n, ...), the samples first; the parts of a sample in the order that they lie in."""
    dim, inner = rows
    if x.shape[dim] == n:
        return x.movedim(dim, 0)
    return x.unflatten(dim, (-1, n, inner)).movedim(dim + 1, 0)
