"""f(x) must come out the same when it is asked for again: no random numbers, and no memory of earlier calls."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lazyregime.kernels.empirical._checks import check_alike, check_not_random
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._random import States
from lazyregime.kernels.empirical._recording import Recording, evaluate, record
from lazyregime.kernels.empirical._verify import slope
from lazyregime.kernels.empirical.proof import random_operations

# Evaluations of a model that uses Python's random numbers, perhaps for nothing that matters: what is left out one time
# in ten is met in all but a thousandth of the cases.
_REPEATS = 64


def twice(loan: Loan, layers: Sequence[tuple[str, nn.Module]], x: Tensor) -> tuple[Recording, int]:
    """One sample, twice: with other random numbers and with what the model remembers of the first time.

    Returns:
        The first recording, and the bytes that autograd kept of the second.

    Raises:
        LazyRegimeError: If they differ, or if random numbers are drawn. A generator that has moved on is no offence if
            it comes out at the same place whatever the seed, as one that is set.
    """
    states, kept = list[States](), [0]
    loan.random.reseed(1)
    first = record(loan, layers, x, draws=True)
    states.append(loan.random.states())
    first_slope = slope(first.y, loan) if loan.changed() else None
    loan.random.reseed(2)
    states.append(loan.random.states())
    with _saved_bytes(loan, kept):
        again = evaluate(loan, x)
    states.append(loan.random.states())
    _check_generators(loan, layers, x, first, states)
    loan.moved |= states[1] != states[2]
    check_alike(again, first.y, "evaluated again", same=True)
    if first_slope is not None:
        check_alike(slope(again, loan), first_slope, "evaluated again", "gradient", same=True)
    if states[1].python != states[2].python:
        _check_repeated(loan, x)
    return first, kept[0]


def _check_generators(
    loan: Loan, layers: Sequence[tuple[str, nn.Module]], x: Tensor, first: Recording, states: list[States]
) -> None:
    operations = [(str(e.op).removeprefix("aten."), e.draws) for e in random_operations(first.trace)]
    drawn = any(b != c != a for a, b, c in zip(*(state.generators for state in states), strict=True))
    if operations and not drawn:
        trace = record(loan, layers, x, draws=True).trace
        drawn = [draws for _, draws in operations] != [e.draws for e in random_operations(trace)]
    check_not_random(drawn, sorted({name for name, _ in operations}))


def _check_repeated(loan: Loan, x: Tensor) -> None:
    expected: tuple[Tensor, Tensor] | None = None
    for seed in range(_REPEATS):
        loan.restore()
        loan.random.reseed(seed)
        y = evaluate(loan, x)
        given = y.detach(), slope(y, loan)
        expected = expected or given
        check_alike(given[0], expected[0], "evaluated again", same=True)
        check_alike(given[1], expected[1], "evaluated again", "gradient", same=True)


@contextmanager
def _saved_bytes(loan: Loan, total: list[int]) -> Iterator[None]:
    """Count what autograd keeps of a forward pass, without the parameters."""
    known = {p.untyped_storage().data_ptr() for p in loan.parameters.values()}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            known.add(storage.data_ptr())
            total[0] += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield
