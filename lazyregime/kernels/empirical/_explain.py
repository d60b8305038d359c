"""For each layer the rule, its FLOPs and its memory: what `empirical_ntk` would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.kernels.empirical._factors import Outputs
from lazyregime.kernels.empirical._ntk import Request
from lazyregime.kernels.empirical._plan import Plan
from lazyregime.kernels.empirical._survey import Rules


@final
@dataclass(frozen=True)
class Explanation:
    """What `explain` returns; printing it gives the table."""

    plan: Plan
    unused: tuple[str, ...]
    num_outputs: int
    small_chain: bool = False

    def __str__(self) -> str:
        """The table."""
        task, plan = self.plan.task, self.plan
        rows = [("layer", "rule", "parameters", "GFLOP", "KiB a row", "why")]
        rows += [
            (
                layer.name or "(model)",
                layer.rule,
                f"{layer.parameters:,}",
                f"{layer.flops / 1e9:.3g}",
                f"{layer.kept_bytes / 1024:.1f}",
                layer.reason,
            )
            for layer in plan.layers
        ]
        rows += [(name, "none", "", "0", "0", "the output does not depend on it") for name in self.unused]
        shape = f"{task.n} x {task.m}{' (one triangle)' if task.symmetric else ''}, {task.outputs} of "
        shape += f"{self.num_outputs} outputs{f', {task.k} at a time' if plan.groups > 1 else ''}"
        chunks = (
            f"{plan.hold} rows held, {plan.stream} streamed, {plan.record} recorded at once; "
            f"peak about {plan.peak / 2**20:.0f} MiB of a budget of {plan.budget / 2**20:.0f} MiB"
        )
        chunks += f"\nabout {plan.launches:,} operations called, "
        chunks += f"{plan.bytes_read / 2**30:.3g} GiB of factors read by products"
        if self.small_chain:
            chunks = "all rows in one pass without a proof: a small chain of dense layers is known from its modules"
        return "\n".join([shape, *_table(rows), chunks])


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def explain(
    model: nn.Module,
    x1: Shaped[Tensor, "n *d"],
    x2: Shaped[Tensor, "m *d"] | None = None,
    *,
    outputs: Outputs = "trace",
    memory_budget: int | None = None,
    accumulate: torch.dtype | None = None,
    rules: Rules = "auto",
) -> Explanation:
    """What `empirical_ntk` would do with the same arguments: print the result. Costs a few samples' passes.

    FLOPs are those of each layer's own term, without the forward and backward passes that all share.
    """
    request = Request(model, x1, x2, outputs, memory_budget, accumulate, rules)
    with request.loan() as loan:
        engine = request.prepare(loan)
        small = request.small_chain() is not None
        return Explanation(engine.plan, tuple(engine.found.unused), engine.found.num_outputs, small)
