"""The form of every layer by FLOPs, and how many rows fit the budget: (held + streamed) kept + recorded work."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._device import device_model
from lazyregime.kernels.empirical._factors import TEMPORARY, Factor, Outer
from lazyregime.kernels.empirical._forms import Cost, Task, choose
from lazyregime.kernels.empirical._layers import Survey
from lazyregime.kernels.empirical._tiles import Demand, Tile, standard_tile

# What is planned of the budget: an allocator loses some between blocks of many sizes, and libraries have buffers, of a
# size that only a budget of many MiB has room for.
_PLANNED, _LIBRARIES = 0.85, 6 << 20
# Of what a recording takes, for operations that need memory of their own.
_FRAGMENTS = 1.2


# Of more than so many outputs of a trace so many are recorded at once, where the factors of all of a row take more than
# so many bytes.
_MANY, _WINDOW, _LARGE = 32, 8, 2 << 20
_NO_LIMIT = 1 << 60


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
        demand: bytes a row and a pair of rows take.
        hold, stream, record: rows of one side kept at a time, of the other side, and recorded at once.
        together: whether both sides are so small that they are recorded as one batch.
        batched: whether the backward passes of all outputs are one.
        groups: how many windows of `task.k` outputs come one after the other; their terms of the trace add up.
        operations: how many a forward pass has.
    """

    task: Task
    layers: tuple[LayerPlan, ...]
    demand: Demand
    out_bytes: int
    budget: int
    hold: int
    stream: int
    record: int
    together: bool = False
    batched: bool = False
    groups: int = 1
    operations: int = 0

    @property
    def launches(self) -> int:
        """About how many operations are called: some two of a backward pass for each of the forward pass."""
        held, streamed = sorted((self.task.n, self.task.m))
        recordings = 1 if self.together else -(-held // self.record)
        if not self.task.symmetric and not self.together:
            recordings += -(-held // self.hold) * -(-streamed // self.record)
        passes = 1 + 2 * (1 if self.batched else self.task.k)
        products = self._tiles // (2 if self.task.symmetric else 1)
        forms = sum(max(1, len(layer.costs)) for layer in self.layers)
        return self.groups * (recordings * (self.operations * passes + forms) + max(1, products) * forms)

    @property
    def bytes_read(self) -> int:
        """Of factors, by the products of tiles."""
        rows = min(self.stream, self.task.n) + min(self.stream, self.task.m)
        return self.groups * self._tiles * rows * self.demand.kept // (2 if self.task.symmetric else 1)

    @property
    def _tiles(self) -> int:
        return -(-self.task.n // self.stream) * -(-self.task.m // self.stream)

    @property
    def peak(self) -> int:
        """The estimated peak in bytes."""
        held = max(0, min(self.hold, self.task.n, self.task.m) - self.stream)
        planned = held * self.demand.kept + Tile(self.stream, self.record).needs(self.demand) + _LIBRARIES
        return self.out_bytes + int(planned / _PLANNED)

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
    return replace(plan, hold=hold, stream=stream, record=record, together=False, batched=False)


def make_plan(found: Survey, task: Task, budget: int, itemsize: int, out_itemsize: int) -> Plan:
    """`plan_window`, of all outputs or of windows of them: by the network, whatever the budget.

    Raises:
        LazyRegimeError: If the budget is too small for a single sample.
    """
    widest = found.fallback or found.looped or task.outputs != "trace" or task.k <= _MANY
    whole = plan_window(found, task, budget if widest else _NO_LIMIT, itemsize, out_itemsize)
    if widest:
        return whole
    if whole.demand.kept <= _LARGE:
        return plan_window(found, task, budget, itemsize, out_itemsize)
    groups = -(-task.k // _WINDOW)
    summed = out_itemsize if out_itemsize == 8 else out_itemsize + 8  # in double precision, see `Engine.run`
    window = plan_window(found, replace(task, k=-(-task.k // groups)), budget, itemsize, summed)
    return replace(window, groups=groups)


def plan_window(found: Survey, task: Task, budget: int, itemsize: int, out_itemsize: int) -> Plan:
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
        gradients = itemsize * k * layer.num_out
        buffers += gradients if layer.jacobian is None else 0
        spread = 6 * itemsize * k * max(0, _gradients(factors) - layer.num_out) if layer.operations else 0
        largest = max(largest, gradients + spread + 2 * itemsize * (layer.num_in + _inputs(factors)))
        params = sum(found.loan.parameters[full].numel() for full in layer.parameters.values())
        form = "+".join(sorted({cost.form for cost in picked}))
        layers.append(
            LayerPlan(
                layer.name,
                f"{layer.registered.name} ({form})",
                params,
                layer.why,
                picked,
                sum(c.flops for c in picked),
                layer_kept,
            )
        )
    extra = 0
    for what, names, copies in (("torch.func", found.fallback, 4), ("autograd loop", found.looped, 2)):
        for name, reason in names.items():
            p = found.loan.parameters[name].numel()
            flops = 2.0 * task.pairs * task.k_products * p
            layers.append(LayerPlan(name, f"fallback ({what})", p, reason, (), flops, itemsize * k * p))
            kept += itemsize * k * p
            extra += copies * itemsize * k * p
    if extra:
        extra += k * found.activation_bytes
    work = 2 * found.activation_bytes + buffers + largest + extra
    at_once = k * found.activation_bytes + buffers if found.vectorizes and not extra else 0
    demand = Demand(task, kept, int(_FRAGMENTS * work) + kept, *_product_bytes(layers, task, itemsize), at_once)
    out_bytes = out_itemsize * task.n * task.m * {"trace": 1, "diagonal": k, "full": k * k}[task.outputs]
    device = device_model(next(iter(found.loan.parameters.values())).device)
    tile, hold = _fit(standard_tile(0 if extra else _places(found), demand, device), demand, budget, out_bytes)
    return Plan(
        task, tuple(layers), demand, out_bytes, budget, hold, tile.rows, tile.recorded, tile.together, tile.batched,
        operations=max((t.num_operations for t in found.references.values()), default=0),
    )  # fmt: skip


def _fit(tile: Tile, demand: Demand, budget: int, out_bytes: int) -> tuple[Tile, int]:
    """The standard tile, or as large a part of it as fits, and how many rows can be held."""
    available = int(_PLANNED * (budget - out_bytes)) - min(_LIBRARIES, budget // 8)
    while (need := tile.needs(demand)) > available:
        smaller = tile.cut(demand)
        if smaller is None:
            least = int((out_bytes + need) / _PLANNED * 1.15)
            raise LazyRegimeError(
                f"memory_budget is {budget / 2**20:.1f} MiB but one sample of this model needs "
                f"{least / 2**20:.1f} MiB; raise it, use outputs='trace', or fewer rows a call."
            ) from MemoryError("the budget")
        tile = smaller
    return tile, tile.rows * (1 + (available - need) // max(1, tile.rows * demand.kept))


def _inputs(factors: Sequence[Factor]) -> int:
    """Numbers a row in the layer's inputs as a rule returns them: patches, say."""
    return sum(piece[0].numel() for factor in factors if isinstance(factor, Outer) for piece in factor.a)


def _gradients(factors: Sequence[Factor]) -> int:
    """Numbers a row and output in the gradients as a rule for operations returns them, for one output: patches, say."""
    return sum(factor.b[0].numel() for factor in factors if isinstance(factor, Outer) and factor.b is not None)


def _places(found: Survey) -> int:
    return max([f.a[0][0].shape[1] for fs in found.samples.values() for f in fs if isinstance(f, Outer)], default=1)


def _product_bytes(layers: list[LayerPlan], task: Task, itemsize: int) -> tuple[int, int]:
    """Of a pair of rows while the products of a layer are formed, and how many of these bytes are there at most."""
    places = max((cost.places for layer in layers for cost in layer.costs if cost.form == "gram"), default=0)
    return 3 * itemsize * places**2 * (task.k**2 if task.outputs == "full" else 1), 3 * itemsize * TEMPORARY
