"""Theta = sum over layers of their terms: one side's factors held, the other's streamed, one triangle if symmetric."""

from collections.abc import Callable, Iterator
from typing import final

import torch
from torch import Tensor

from lazyregime.kernels.empirical._factors import Form, Outer, allocate
from lazyregime.kernels.empirical._fallback import Fallback
from lazyregime.kernels.empirical._forms import build, takes_columns
from lazyregime.kernels.empirical._layers import Survey
from lazyregime.kernels.empirical._memory import keep_freed_memory
from lazyregime.kernels.empirical._plan import Plan
from lazyregime.kernels.empirical._plan import make_sizes as make_sizes
from lazyregime.kernels.empirical._precision import Precision, matmul_precision, rounded
from lazyregime.kernels.empirical._tape import Keep
from lazyregime.kernels.empirical._tiles import EXACT, LEAST, tiles_of

Progress = Callable[[int, int], None]


@final
class Engine:
    """Fills a kernel block by block; see `_plan` for the sizes of the blocks."""

    def __init__(
        self,
        found: Survey,
        fallback: Fallback | None,
        plan: Plan,
        progress: Progress | None = None,
        precision: Precision = "full",
    ) -> None:
        self.found, self.fallback, self.plan = found, fallback, plan
        self.progress = progress
        self.precision: Precision = precision
        self.done = 0
        found.keep, found.batched = self._keep(), plan.batched

    def _keep(self) -> Keep:
        """What becomes of the gradients of each layer decides how they are kept."""
        apart: set[int] = set()
        reused: set[int] = set()
        for index, (layer, planned) in enumerate(zip(self.found.layers, self.plan.layers, strict=False)):
            if layer.operations:
                continue  # they come after the modules; their gradients may be factors themselves
            costed = list(zip(self.found.samples[layer.name], planned.costs, strict=True))
            if layer.registered.takes_columns and all(
                takes_columns(factor, cost.form, self.plan.task.outputs) for factor, cost in costed
            ):
                apart.add(index)
            elif all(isinstance(factor, Outer) and cost.form == "gradients" for factor, cost in costed):
                reused.add(index)
        return Keep(frozenset(apart), frozenset(reused))

    def run(self, x1: Tensor, x2: Tensor | None, dtype: torch.dtype) -> Tensor:
        """The kernel, in the layout of `allocate`."""
        n, m = x1.shape[0], (x1 if x2 is None else x2).shape[0]
        # Of many windows each adds a little to a large sum, so that single precision would lose a digit.
        wide = torch.float64 if self.plan.groups > 1 and x1.device.type != "mps" else dtype
        out = allocate(n, m, self.found.num_outputs, self.plan.task.outputs, wide, x1.device)
        keep_freed_memory(x1.device)
        with torch.no_grad(), matmul_precision(self.precision):
            while not self._fill_windows(out, x1, x2):
                out.zero_()  # memory was not enough: all windows are computed anew in smaller chunks
            if x2 is None:
                _mirror(out, self.plan)
        return out.to(dtype)

    def _fill_windows(self, out: Tensor, x1: Tensor, x2: Tensor | None) -> bool:
        """The outputs by windows, each of which adds its term; whether memory was enough."""
        k, groups = self.found.num_outputs, self.plan.groups
        both = torch.cat([x1, x2]) if x2 is not None and self.plan.together else None
        self.found.windows, self.found.latest = groups > 1 and both is not None, None
        self.done = 0
        try:
            for start in range(0, k, max(1, self.plan.task.k)):
                self.found.window = slice(start, min(k, start + self.plan.task.k))
                self._fill_window(out, x1, x2, both)
        except torch.OutOfMemoryError:
            if groups == 1:
                raise
            self._halve(out.device)
            return False
        return True

    def _fill_window(self, out: Tensor, x1: Tensor, x2: Tensor | None, both: Tensor | None) -> None:
        if both is not None and self._fill_at_once(out, both, x1.shape[0]):
            return
        if x2 is None:
            self._fill(out, x1, x1, symmetric=True)
        elif x1.shape[0] <= x2.shape[0]:
            self._fill(out, x1, x2, symmetric=False)
        else:
            self._fill(self._transposed(out), x2, x1, symmetric=False)

    def _halve(self, device: torch.device) -> None:
        self.plan = self.plan.halved()
        if device.type == "cuda":
            torch.cuda.empty_cache()

    def _fill_at_once(self, out: Tensor, both: Tensor, n: int) -> bool:
        """Both sides, the first n rows and the others, in one recording; whether memory was enough."""
        m = both.shape[0] - n
        try:
            forms = self.factors(both)
            self._add(out, _rows(forms, slice(0, n)), _rows(forms, slice(n, n + m)), slice(0, n), slice(0, m))
        except torch.OutOfMemoryError:
            if self.plan.groups > 1:
                raise
            out.zero_()
            return False
        self._advance(n * m, n * m)
        return True

    def _transposed(self, out: Tensor) -> Tensor:
        return {
            "trace": lambda: out.mT,
            "diagonal": lambda: out.mT,
            "full": lambda: out.permute(2, 3, 0, 1),
        }[self.plan.task.outputs]()

    def _fill(self, out: Tensor, held: Tensor, streamed: Tensor, *, symmetric: bool) -> None:
        n, m = held.shape[0], streamed.shape[0]
        total = n * (n + 1) // 2 if symmetric else n * m
        start = 0
        while start < n:
            stop = min(n, start + self.plan.hold)
            if self.plan.stream >= EXACT and n - stop < EXACT:
                stop = n
            before = self.done
            try:
                self._fill_rows(out, held, streamed, start, stop, total, symmetric)
            except torch.OutOfMemoryError:
                if self.plan.groups > 1:
                    raise
                # The rows are computed anew in smaller chunks; earlier rows are kept.
                self._halve(out.device)
                self.done = before
                self._block(out, slice(start, stop), slice(start if symmetric else 0, m)).zero_()
                continue
            start = stop

    def _fill_rows(
        self, out: Tensor, held: Tensor, streamed: Tensor, start: int, stop: int, total: int, symmetric: bool
    ) -> None:
        tiles = tiles_of(stop - start, self.plan.stream)
        mine = [(_shift(rows, start), self.gather(held[_shift(rows, start)])) for rows in tiles]
        if symmetric:
            for index, (rows, factors) in enumerate(mine):
                for columns, others in mine[index:]:
                    self._add(out, factors, others, rows, columns)
                    size = rows.stop - rows.start
                    pairs = size * (size + 1) // 2 if rows == columns else size * (columns.stop - columns.start)
                    self._advance(pairs, total)
        first = stop if symmetric else 0
        others: list[Form] | None = None
        for chunk in tiles_of(streamed.shape[0] - first, self.plan.stream):
            columns = _shift(chunk, first)
            if others is not None and not self._reusable(others, columns.stop - columns.start):
                others = None  # freed before the next ones are made
            others = self.gather(streamed[columns], others)
            for rows, factors in mine:
                self._add(out, factors, others, rows, columns)
            self._advance((stop - start) * (columns.stop - columns.start), total)

    def _add(self, out: Tensor, mine: list[Form], other: list[Form], rows: slice, columns: slice) -> None:
        block = self._block(out, rows, columns)
        for form, partner in zip(mine, other, strict=True):
            form.add_to(partner, block, self.plan.task.outputs)  # pyright: ignore[reportArgumentType]

    def _block(self, out: Tensor, rows: slice, columns: slice) -> Tensor:
        outputs = self.plan.task.outputs
        return {"trace": lambda: out[rows, columns], "diagonal": lambda: out[:, rows, columns]}.get(
            outputs, lambda: out[rows, :, columns]
        )()

    def _advance(self, pairs: int, total: int) -> None:
        self.done += pairs
        if self.progress is not None:
            self.progress(self.done, total * self.plan.groups)

    def gather(self, x: Tensor, used: list[Form] | None = None) -> list[Form]:
        """The factors of all rows of x, recorded in chunks, in the memory of used ones where they are as long."""
        n, record = x.shape[0], self.plan.record
        gathered: list[Form] | None = None
        if used is not None and self._reusable(used, n):
            gathered = _rows(used, slice(0, n))
        for chunk in _chunks(n, record):
            rows = chunk.stop - chunk.start
            into = None if gathered is None else _rows(gathered, chunk)
            if rows < LEAST <= record and rows < n:
                forms = _rows(
                    self.factors(torch.cat([x[chunk], *(x[-1:] for _ in range(LEAST - rows))])), slice(0, rows)
                )
            else:
                forms = self.factors(x[chunk], into)
            if rows == n:
                return forms
            if gathered is None:
                gathered = [
                    form.with_tensors([t.new_empty((n, *t.shape[1:])) for t in form.tensors()]) for form in forms
                ]
            for target, form in zip(gathered, forms, strict=True):
                for whole, tensor in zip(target.tensors(), form.tensors(), strict=True):
                    if whole[chunk].data_ptr() != tensor.data_ptr():
                        whole[chunk] = tensor
        assert gathered is not None
        return gathered

    def _reusable(self, used: list[Form], n: int) -> bool:
        return self.plan.record < n <= used[0].tensors()[0].shape[0]

    def factors(self, x: Tensor, into: list[Form] | None = None) -> list[Form]:
        """The factors of one chunk of rows, layer by layer; products may be written into the given ones."""
        forms: list[Form] = []
        if self.found.layers:
            recorded = self.found.record(x)
            recorded.reverse()
            for layer, planned in zip(self.found.layers, self.plan.layers, strict=False):
                # Popped, so that a layer's gradients are freed once its factors are made.
                factors = layer.factors(recorded.pop())
                for factor, cost in zip(factors, planned.costs, strict=True):
                    target = into[len(forms)] if into is not None and self.precision != "bf16" else None
                    forms += build(factor, cost.form, self.found.num_recorded, target)
        if self.fallback is not None:
            forms.append(self.fallback.gradients(x))
        return [rounded(form, self.precision) for form in forms]


def _rows(forms: list[Form], rows: slice) -> list[Form]:
    return [form.with_tensors([tensor[rows] for tensor in form.tensors()]) for form in forms]


def _chunks(n: int, size: int) -> Iterator[slice]:
    for start in range(0, n, size):
        yield slice(start, min(n, start + size))


def _shift(rows: slice, by: int) -> slice:
    return slice(rows.start + by, rows.stop + by)


def _mirror(out: Tensor, plan: Plan) -> None:
    """Copy the upper triangle of blocks to the lower one."""
    n = out.shape[-1] if plan.task.outputs == "diagonal" else out.shape[0]
    step = 256
    for i in _chunks(n, step):
        for j in _chunks(n, step):
            if j.start < i.start:
                continue
            if plan.task.outputs == "full":
                lower, upper = out[j, :, i], out[i, :, j].permute(2, 3, 0, 1)
            else:
                lower, upper = out[..., j, i], out[..., i, j].mT
            if i == j:
                size = i.stop - i.start
                below = torch.ones(size, size, dtype=torch.bool, device=out.device).tril(-1)
                if plan.task.outputs == "full":
                    below = below[:, None, :, None]
                lower.copy_(torch.where(below, upper, lower))
            else:
                lower.copy_(upper)
