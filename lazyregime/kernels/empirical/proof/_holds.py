"""What the storages of one batch hold: constants, or so many bytes a sample."""

from dataclasses import dataclass, field
from typing import final

from lazyregime.kernels.empirical.proof._views import OPAQUE, Kind, Rows, Type, View, bytes_a_sample, rows_of


@final
@dataclass
class Side:
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


def held_by(view: View, kind: Type, n: int) -> Kind | int:
    if not isinstance(kind, Rows):
        return kind
    if view.numel == 0:
        return Kind.UNIFORM
    if kind.dim >= view.ndim or view.sizes[kind.dim] % (n * kind.inner):
        return Kind.MIXED
    s = bytes_a_sample(view, kind)
    return s if s and rows_of(view, s, n) == kind else Kind.MIXED


def after_write(side: Side, view: View, kind: Type) -> Kind | int:
    before = side.holds.get(view.storage, Kind.CONSTANT)
    if kind is Kind.MIXED or before is Kind.MIXED:
        return Kind.MIXED
    if not isinstance(kind, Rows):
        return Kind.MIXED if kind is Kind.INDEX or isinstance(before, int) else Kind.CONSTANT
    after = held_by(view, kind, side.n)
    return after if before in (Kind.UNIFORM, after) else Kind.MIXED
