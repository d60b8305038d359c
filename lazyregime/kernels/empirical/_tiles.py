"""Rows in one recording and in one product: by network, dtype and kind of device; memory says how many tiles are held.

A product of other sizes may round otherwise, so that results would depend on how much memory is free. Where even one
tile does not fit it is cut, to sizes that round alike where that was measured (multiples of 12 or 24 rows, whose rests
are then those of the whole, and never a recording of one row beside longer ones); below 12 rows the last bits change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from lazyregime.kernels.empirical._device import DeviceModel
from lazyregime.kernels.empirical._forms import Task

# What a product's rows shrink to when memory is short.
_SHORTER = (4080, 2040, 1008, 504, 168, 96, 72, 48, 24, 12, 8, 4, 2, 1)
# Of networks with large factors a product has a few rows at least, since each product reads them all.
_FEW = 8
# Products of fewer rows than this round otherwise, in float32 (MKL, AVX-512; in float64 of fewer than 24).
EXACT = 12
# Rows that a recording has at least if there are more.
LEAST = 4


@final
@dataclass(frozen=True)
class Demand:
    """What a computation takes, in bytes.

    Attributes:
        task: its sizes.
        kept: of a row of finished factors.
        work: of a row while it is recorded, its finished factors included.
        pair: of a pair of rows while their product is formed; at most `most` at once, if that is more than a row's.
        most: see `pair`.
        batched: of a row beside `work` if the backward passes of all outputs are one; 0 if they cannot be.
    """

    task: Task
    kept: int
    work: int
    pair: int
    most: int
    batched: int = 0


@final
@dataclass(frozen=True)
class Tile:
    """Sizes: `rows` in a product, `recorded` at once.

    Attributes:
        rows, recorded: see above.
        together: whether both sides are one recording.
        batched: whether the backward passes of all outputs are one.
    """

    rows: int
    recorded: int
    together: bool = False
    batched: bool = False

    def needs(self, demand: Demand) -> int:
        """The bytes for a tile of each side, a recording, and a product."""
        held, streamed = sorted((demand.task.n, demand.task.m))
        longest = self.rows + EXACT - 1 if self.rows >= EXACT else self.rows
        mine, others = min(longest, held), min(longest, streamed)
        recorded = min(max(LEAST, self.recorded) if self.recorded > 1 else 1, streamed)
        recorded = held + streamed if self.together else recorded
        work = demand.work + (demand.batched if self.batched else 0)
        product = max(others * demand.pair, min(demand.most, mine * others * demand.pair))
        return max(recorded * work + (mine + others) * demand.kept, (mine + others) * demand.kept + product)

    def cut(self, demand: Demand) -> "Tile | None":
        """The next smaller one; None after one row."""
        if self.together:
            return Tile(self.rows, self.recorded, batched=self.batched)
        if self.batched:
            return Tile(self.rows, self.recorded)
        if self.rows == self.recorded == 1:
            return None
        recording = self.recorded * demand.work >= 2 * self.rows * demand.kept
        if self.rows > EXACT and (self.recorded <= LEAST or not recording):
            rows = next(rows for rows in _SHORTER if rows < self.rows)
            return Tile(rows, min(rows, self.recorded))
        if self.recorded > 1:
            shorter = next(rows for rows in _SHORTER if rows < self.recorded)
            return Tile(self.rows, shorter if shorter >= LEAST else 1)
        return Tile(next(rows for rows in _SHORTER if rows < self.rows), 1)


def tiles_of(n: int, rows: int) -> Iterator[slice]:
    """Rows by tiles; a rest of few rows belongs to the last one."""
    start = 0
    while start < n:
        stop = start + rows
        if stop > n or (rows >= EXACT and n - stop < EXACT):
            stop = n
        yield slice(start, stop)
        start = stop


def standard_tile(places: int, demand: Demand, device: DeviceModel) -> Tile:
    """That of a network whose layers have so many positions at most; none if parameters go through the fallback."""
    most = 4 * device.recording if places == 1 else device.recording
    recorded = max(1, most // max(demand.work, 1), device.dense_rows // places if places > 1 else 0)
    recorded = min(recorded // 8 * 8 if recorded >= 8 else recorded, device.dense_rows)
    fitting = max(_FEW, device.tile // max(demand.kept, 1) // 24 * 24)
    rows = min(device.dense_rows if places == 1 else device.rows, fitting)
    both = demand.task.n + demand.task.m
    most = device.few_together if both <= device.few_rows else device.together
    small = not demand.task.symmetric and places > 0 and both <= recorded and both * demand.work <= most
    longest = both if small else max(demand.task.n, demand.task.m)
    batched = demand.batched > 0 and longest <= device.few_rows
    batched = batched and longest * (demand.work + demand.batched) <= device.batched
    return Tile(max(rows, recorded), recorded, small, batched)
