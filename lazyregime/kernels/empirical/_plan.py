"""The form of every layer by FLOPs, and how many rows fit the budget: (held + streamed) kept + recorded work."""

from dataclasses import dataclass
from typing import final

import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._factors import TEMPORARY, Outer
from lazyregime.kernels.empirical._forms import Cost, Task, choose
from lazyregime.kernels.empirical._layers import Survey

# Bytes of a recording with convolutions or sequences: enough rows that Python's share is small, and a modest peak. On
# two cores half of it takes 6% more time (CNN-32, 300 x 500), and more than this no less.
_RECORD_TARGET = 128 << 20
# Rows that a dense layer's backward pass needs, or its weights are read anew for every few of them. On two cores 256
# take a tenth more time (MLP-1024, 300 x 1000), 512 take 2% less and 30 MiB more memory.
_DENSE_ROWS = 336
_STREAM_ROWS = 128
_MAX_ROWS = 512


@final
@dataclass(frozen=True)
class LayerPlan:
    """One line of `explain`: a rule or a fallback with its FLOPs and bytes a row."""

    name: str
    rule: str
    parameters: int
    reason: str
    costs: tuple[Cost, ...]
    flops: float
    kept_bytes: int


@final
@dataclass(frozen=True)
class Plan:
    """Forms and chunk sizes of one kernel.

    Attributes:
        kept: bytes a row of finished factors takes.
        work: bytes a row takes while it is recorded, its finished factors included.
        hold, stream, record: rows of one side kept at a time, of the other side, and recorded at once.
    """

    task: Task
    layers: tuple[LayerPlan, ...]
    kept: int
    work: int
    out_bytes: int
    temporary: int
    budget: int
    hold: int
    stream: int
    record: int

    @property
    def peak(self) -> int:
        """The estimated peak in bytes."""
        return self.out_bytes + (self.hold + self.stream) * self.kept + self.record * self.work

    def halved(self) -> "Plan":
        """The plan after an out-of-memory error.

        Raises:
            LazyRegimeError: If there is nothing left to halve.
        """
        if self.hold == self.stream == self.record == 1:
            raise LazyRegimeError(
                "the device is out of memory even with one sample at a time; free some, or use fewer outputs."
            )
        return make_sizes(self, max(1, self.hold // 2), max(1, self.stream // 2), max(1, self.record // 2))


def make_sizes(plan: Plan, hold: int, stream: int, record: int) -> Plan:
    """The same plan with other chunk sizes."""
    return Plan(
        plan.task, plan.layers, plan.kept, plan.work, plan.out_bytes, plan.temporary, plan.budget, hold, stream, record
    )


def make_plan(found: Survey, task: Task, budget: int, itemsize: int, out_itemsize: int) -> Plan:
    """Choose forms by FLOPs and chunk sizes by memory.

    Raises:
        LazyRegimeError: If the budget is too small for a single sample.
    """
    k = task.k
    layers: list[LayerPlan] = []
    kept = buffers = largest = 0
    for layer in found.layers:
        factors = found.samples[layer.name]
        if layer.jacobian is not None:
            factors = [Outer(f.a, None, f.weight, f.bias) if isinstance(f, Outer) else f for f in factors]
        picked = tuple(choose(factor, task) for factor in factors)
        layer_kept = itemsize * sum(cost.kept for cost in picked)
        kept += layer_kept
        for factor in factors:
            if isinstance(factor, Outer):
                largest = max(largest, 2 * itemsize * sum(piece[0].numel() for piece in factor.a))
                buffers += itemsize * k * (0 if factor.b is None else factor.b[0].numel())
            else:
                buffers += itemsize * k * (factor.b if not hasattr(factor, "g") else factor.g)[0].numel()  # pyright: ignore
        params = sum(p.numel() for key, p in layer.module.named_parameters(recurse=False) if key in layer.trained)
        form = "+".join(sorted({cost.form for cost in picked}))
        layers.append(
            LayerPlan(
                layer.name,
                f"{layer.registered.name} ({form})",
                params,
                "",
                picked,
                sum(c.flops for c in picked),
                layer_kept,
            )
        )
    extra = 0
    for what, names in (
        ("torch.func", found.fallback),
        ("autograd loop", found.looped),
    ):
        for name, reason in names.items():
            p = found.loan.parameters[name].numel()
            flops = 2.0 * task.pairs * task.k_products * p
            layers.append(LayerPlan(name, f"fallback ({what})", p, reason, (), flops, itemsize * k * p))
            kept += itemsize * k * p
            extra += 2 * itemsize * k * p
    if extra:
        extra += k * found.activation_bytes
    work = 2 * found.activation_bytes + buffers + largest + kept + extra
    out_bytes = out_itemsize * task.n * task.m * {"trace": 1, "diagonal": k, "full": k * k}[task.outputs]
    temporary = max(1024, min(TEMPORARY, budget // (16 * itemsize)))
    places = max([f.a[0][0].shape[1] for fs in found.samples.values() for f in fs if isinstance(f, Outer)], default=1)
    hold, stream, record = _sizes(task, budget - out_bytes - 3 * temporary * itemsize, kept, work, budget, places)
    return Plan(task, tuple(layers), kept, work, out_bytes, temporary, budget, hold, stream, record)


def _sizes(task: Task, available: int, kept: int, work: int, budget: int, places: int) -> tuple[int, int, int]:
    held, streamed = (min(task.n, task.m), max(task.n, task.m))
    record = _DENSE_ROWS if places == 1 else max(1, _RECORD_TARGET // max(work, 1), _DENSE_ROWS // places)
    # Convolutions and batched products give whole samples to threads.
    threads = torch.get_num_threads()
    record = min(-(-record // threads) * threads, _MAX_ROWS, streamed)
    # Whole recordings, and enough rows for efficient products: one recording if it is large, as nothing is copied then.
    stream = min(streamed, record * -(-_STREAM_ROWS // record))
    while True:
        hold = (available - record * work - stream * kept) // max(kept, 1)
        if hold >= min(held, stream):
            return min(hold, held), stream, record
        if record == stream == 1:
            need = budget - available + work + 2 * kept
            raise LazyRegimeError(
                f"memory_budget is {budget / 2**20:.1f} MiB but one sample of this model needs {need / 2**20:.1f} "
                "MiB; raise it, use outputs='trace', "
                "or fewer rows a call."
            )
        record, stream = max(1, min(record, stream // 2)), max(1, stream // 2)
