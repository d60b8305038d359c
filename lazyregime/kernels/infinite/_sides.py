"""Both sets of inputs with their variances; and entries in single precision, made good where that is not enough."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite.scheme import Pairs

Rows = slice | Tensor

# The relative accuracy of a kernel in single precision (5e-7 to 2e-6 on CIFAR-10, depths 3 to 21), what is refused, and
# where it is lost: acos at a correlation of 1 - d magnifies rounding by 1 / sqrt(2 d).
SINGLE, _WRONG = 1e-6, 1e-5
_ALIKE = 1e-3
# So many rows and columns are computed in float64 too, to compare.
_COMPARED = 6


@final
@dataclass(frozen=True)
class Sides:
    """Inputs, and what `Walk` asks for of each, in its order.

    Attributes:
        x1, x2: (n, ...) and (m, ...).
        q1, q2: the variances, ending in the output's.
    """

    x1: Tensor
    x2: Tensor
    q1: list[Tensor]
    q2: list[Tensor]

    @classmethod
    def make(cls, x1: Tensor, q1: list[Tensor], x2: Tensor, q2: list[Tensor]) -> "Sides":
        """With the variances of all images at a pixel side by side in memory, as those of pairs are."""
        return cls(x1, x2, *_of_both(q1, q2, _side_by_side))

    def of(self, rows: Rows, columns: Rows) -> Iterator[tuple[Tensor, Tensor]]:
        """The variances of some of each."""
        return ((q1[rows], q2[columns]) for q1, q2 in zip(self.q1, self.q2, strict=True))

    def single(self) -> "Sides":
        """The same in float32."""
        return Sides(self.x1.float(), self.x2.float(), *_of_both(self.q1, self.q2, Tensor.float))


def _of_both(
    q1: list[Tensor], q2: list[Tensor], change: Callable[[Tensor], Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Of a set with itself once."""
    first = [change(q) for q in q1]
    return first, first if q2 is q1 else [change(q) for q in q2]


def _side_by_side(q: Tensor) -> Tensor:
    return q.movedim(0, -1).contiguous().movedim(-1, 0)


def refine(nngp: Tensor, ntk: Tensor, sides: Sides, block: Callable[[Rows, Rows], Pairs]) -> None:
    """Put float64 entries where two inputs are alike, and compare a few others with theirs.

    Args:
        nngp: Computed in float32, (n, m); changed in place.
        ntk: As nngp.
        sides: In float64.
        block: The kernels of some rows with some columns, in float64.

    Raises:
        LazyRegimeError: If the others differ by more than single precision should.
    """
    scales = [sides.q1[-1].sqrt(), sides.q2[-1].sqrt()]
    for row in range(len(nngp)):
        alike = (nngp[row] > (1 - _ALIKE) * scales[0][row] * scales[1]).nonzero()[:, 0]
        if len(alike):
            exact = block(slice(row, row + 1), alike)
            nngp[row, alike], ntk[row, alike] = exact.nngp[0], exact.ntk[0]
    rows, columns = (torch.linspace(0, n - 1, min(n, _COMPARED), dtype=torch.float64).long() for n in nngp.shape)
    exact = block(rows, columns)
    for name, given, right in (("NNGP", nngp, exact.nngp), ("NTK", ntk, exact.ntk)):
        off = (given[rows[:, None], columns] - right).abs().max() / right.abs().max()
        if not float(off) <= _WRONG:
            raise LazyRegimeError(
                f"In float32 the {name} of these inputs is off by {float(off):.1e} of its largest entry, more than "
                f"{_WRONG:.0e}; compute it with dtype=float64."
            )
