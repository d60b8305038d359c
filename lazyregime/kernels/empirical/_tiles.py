"""Rows in one recording and in one product: by network, dtype and kind of device; memory says how many tiles are held.

A product of other sizes may round otherwise, so that results would depend on how much memory is free. Where even one
tile does not fit it is cut, to sizes that round alike where that was measured (multiples of 12 or 24 rows, whose rests
are then those of the whole, and never a recording of one row beside longer ones); below 12 rows the last bits change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from lazyregime.kernels.empirical._forms import Task

# Bytes of a recording with convolutions or sequences: enough rows that Python's share is small. Two thirds of it take
# 8% more time (CNN-32, 300 x 500, one core), and more than this no less.
_RECORDING = 168 << 20
# Rows that a dense layer's backward pass needs, or its weights are read anew for every few of them: 256 take 6% more
# time than 336 (MLP-1024, 300 x 600, one core), 128 take 14%.
_DENSE_ROWS = 336
# Of factors of samples with many positions: half of them take 5% more time (CNN-32), twice as many no less.
_ROWS = 144
# Of networks with large factors, as many rows as fit into these bytes, or a few, since each product reads them all.
_TILE, _FEW = 192 << 20, 8
# What a product's rows shrink to when memory is short.
_SHORTER = (168, 96, 72, 48, 24, 12, 8, 4, 2, 1)
# Two sides that take no more than this are recorded as one batch: half as many passes, where these are what takes time.
_TOGETHER = 24 << 20
# So are two sides of few rows, and the backward passes of all outputs are one vectorized pass, up to these bytes: a ViT
# of 8 and 12 images takes three quarters of the time, but CNN-32 of 300 and 500 7% more. Smaller budgets than these
# change their last bits.
_FEW_ROWS, _FEW_TOGETHER, _BATCHED = 48, 200 << 20, 176 << 20
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


def standard_tile(places: int, demand: Demand) -> Tile:
    """That of a network whose layers have so many positions at most; none if parameters go through the fallback."""
    most = 4 * _RECORDING if places == 1 else _RECORDING
    recorded = max(1, most // max(demand.work, 1), _DENSE_ROWS // places if places > 1 else 0)
    recorded = min(recorded // 8 * 8 if recorded >= 8 else recorded, _DENSE_ROWS)
    rows = min(_DENSE_ROWS if places == 1 else _ROWS, max(_FEW, _TILE // max(demand.kept, 1) // 24 * 24))
    both = demand.task.n + demand.task.m
    most = _FEW_TOGETHER if both <= _FEW_ROWS else _TOGETHER
    small = not demand.task.symmetric and places > 0 and both <= recorded and both * demand.work <= most
    longest = both if small else max(demand.task.n, demand.task.m)
    batched = demand.batched > 0 and longest <= _FEW_ROWS
    batched = batched and longest * (demand.work + demand.batched) <= _BATCHED
    return Tile(max(rows, recorded), recorded, small, batched)
