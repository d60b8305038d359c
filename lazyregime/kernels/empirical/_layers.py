"""What a model is made of, as far as its kernel is concerned, and how the gradients of its layers are recorded."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

from lazyregime.kernels.empirical._factors import Factor
from lazyregime.kernels.empirical._graph import graph_of
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._operations import Operation
from lazyregime.kernels.empirical._recording import Recording, Seen, record
from lazyregime.kernels.empirical._registry import LayerCall, RegisteredRule
from lazyregime.kernels.empirical._served import take
from lazyregime.kernels.empirical._sums import Sum, factors_of
from lazyregime.kernels.empirical._tape import Keep, below_readout, calls
from lazyregime.kernels.empirical.proof import Proof, Trace, Unproven

Kinds = dict[int, Any]


class Stale(Exception):
    """A batch does something else than what an earlier call has proven."""


@final
@dataclass(frozen=True)
class Layer:
    """What a rule serves: a module, or the operations that use a parameter (or a weight and its bias).

    Attributes:
        name: the module's, or the parameters'.
        module: the layer; of no meaning for operations.
        trained: names of the module's own parameters, or of the operations' operands, that count.
        num_in, num_out: how many numbers a sample its inputs and its output have.
        parameters: the full names of those that count.
        operations: where the parameters are used.
        sum: how the gradients of several operations add up.
        shape: the parameter's, where they are written out.
        why: no module's rule serves them.
    """

    name: str
    module: nn.Module
    registered: RegisteredRule
    trained: frozenset[str]
    jacobian: Tensor | None
    num_in: int = 0
    num_out: int = 0
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    operations: tuple[Operation, ...] = ()
    sum: Sum = "joined"
    shape: torch.Size = field(default_factory=torch.Size)
    why: str = ""

    @property
    def num_calls(self) -> int:
        """How often a forward pass comes by."""
        return max(1, len(self.operations))

    def factors(self, calls: Sequence[LayerCall]) -> list[Factor]:
        """What its rule makes of all its calls."""
        if not self.operations:
            return list(self.registered.rule(self.module, calls[0]))
        return factors_of(self.operations, calls, self.sum, self.shape)


@final
@dataclass
class Survey:
    """What the model is made of, as far as its kernel is concerned.

    Attributes:
        loan: the model.
        num_outputs: k.
        layers: those with a rule.
        fallback: why, for each parameter that goes through torch.func.
        looped: why, for each parameter that goes through autograd one output at a time, as vmap refuses the model.
        unused: parameters on which the output does not depend.
        mixes: why it is not shown that samples are treated apart; then all parameters go through the fallback.
        kinds: what goes into and comes out of the operations that layers stand for.
        same_alone: whether one sample takes the same operations as several.
        references: the traces that those of later batches must agree with, by their number of samples.
        proven: the traces that do, by their number of samples; `graphs`: what autograd made of them.
        lookups: the operations that pick rows of a parameter by constants, which count.
        window: the outputs whose gradients are recorded.
        vectorizes: whether the gradients of several outputs come out right in one vectorized backward pass.
        batched: whether they are taken so.
        windows: whether the same rows are recorded several times, for other outputs; then their forward pass is kept.
        recalled: whether this was found in an earlier call, so that each batch has to show that it still holds.
    """

    loan: Loan
    num_outputs: int
    layers: list[Layer] = field(default_factory=list[Layer])
    fallback: dict[str, str] = field(default_factory=dict[str, str])
    looped: dict[str, str] = field(default_factory=dict[str, str])
    unused: list[str] = field(default_factory=list[str])
    mixes: str = ""
    references: dict[int, Trace] = field(default_factory=dict[int, Trace])
    proven: dict[int, Trace] = field(default_factory=dict[int, Trace])
    kinds: Kinds = field(default_factory=dict[int, Any])
    same_alone: bool = False
    graphs: dict[int, Any] = field(default_factory=dict[int, Any])
    lookups: frozenset[int] = frozenset()
    recalled: bool = False
    window: slice = field(default_factory=lambda: slice(None))
    vectorizes: bool = False
    batched: bool = False
    windows: bool = False
    samples: dict[str, list[Factor]] = field(default_factory=dict[str, list[Factor]])
    activation_bytes: int = 0
    channels_last: bool = False
    fast: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    trace: bool = False
    keep: Keep = field(default_factory=Keep)
    latest: Recording | None = None

    @property
    def dtype(self) -> torch.dtype:
        """The kernel's: that of the parameters that count."""
        dtypes = [self.loan.parameters[name].dtype for name in sorted(self.loan.counted)]
        return functools.reduce(torch.promote_types, dtypes)

    @property
    def num_recorded(self) -> int:
        """How many outputs are in the window."""
        return len(range(self.num_outputs)[self.window])

    def run(self, x: Tensor) -> Recording:
        """A forward pass in the memory layout that suits the layers best, proven to treat samples apart.

        Raises:
            Unproven: If it does other things than on the first samples, or what it does may mix samples.
            Stale: If it does other things than in an earlier call.
        """
        layers = [(layer.name, layer.module) for layer in self.layers if not layer.operations]
        found = record(self.loan, layers, x, parameters=self.fast, channels_last=self.channels_last)
        try:
            self.check(found.trace)
        except Unproven:
            if self.recalled:
                raise Stale from None
            raise
        self._check_graph(found)
        return found

    def _check_graph(self, found: Recording) -> None:
        """What the trace does not show: whose gradients are taken, and by which indices tables are read."""
        n = found.trace.num_rows
        if not self.recalled and n in self.graphs:
            return
        leaves = {id(p): name for name, p in self.loan.parameters.items()} | {
            id(p): name for name, p in self.fast.items()
        }
        graph = graph_of(found.y, found.trace.created, leaves, self.lookups)
        if self.recalled and graph not in ([self.graphs[n]] if n in self.graphs else self.graphs.values()):
            raise Stale
        self.graphs[n] = graph

    def check(self, trace: Trace) -> None:
        """See `run`."""
        n = trace.num_rows
        known = self.references.get(1) if n == 1 else self.proven.get(n)
        if known is not None and same(known, trace):
            return
        if n == 1:
            raise Unproven("it does other operations for one sample than for another")
        proof = Proof(self.references[3 if n == 2 else 2], trace, asked=self.kinds)
        if proof.kinds != self.kinds:
            raise Unproven("a parameter is used in other places for another number of samples")
        for layer in self.layers:
            if not layer.operations and proof.layers.get(layer.name) != [True]:
                raise Unproven(f"layer {layer.name!r} is not called once with a row for each sample")
        self.proven[n] = trace

    def record(self, x: Tensor) -> list[list[LayerCall]]:
        """Inputs and output gradients of all calls of every layer with a rule.

        Raises:
            Unproven: As `run`.
        """
        try:
            if x.shape[0] == 1 and not self.same_alone and any(layer.operations for layer in self.layers):
                found = [_first(call) for call in self._record(torch.cat([x, x]))]
            else:
                found = self._record(x)
        finally:
            self.loan.restore()
        found.reverse()
        return [[found.pop() for _ in range(layer.num_calls)] for layer in self.layers]

    def seen(self, found: Recording) -> list[Seen]:
        """The calls of all layers in their order, those of operations one by one."""
        once = [found.seen[layer.name][0] for layer in self.layers if not layer.operations]
        operations = [operation for layer in self.layers for operation in layer.operations]
        return once + (take(found, operations) if operations else [])

    def _record(self, x: Tensor) -> list[LayerCall]:
        found = self.latest if self.latest is not None and self.latest.x is x else self.run(x)
        self.latest = found if self.windows else None
        y, once = found.y, self.seen(found)
        readout = next((i for i, layer in reversed([*enumerate(self.layers)]) if layer.jacobian is not None), None)
        flat = [layer for layer in self.layers for _ in range(layer.num_calls)]
        trained = [layer.trained for layer in flat]
        channel_dims = [layer.registered.channel_dim for layer in flat]
        if readout is None:
            basis = torch.eye(self.num_outputs, dtype=y.dtype, device=y.device)[self.window]
            return calls(
                *(y, once, trained, channel_dims, list(basis)),
                channels_last=self.channels_last,
                keep=self.keep,
                batched=self.batched,
            )
        # The gradients of the outputs by the readout's input are its weights: the backward passes start there.
        start, weights = once[readout].first, self.layers[readout].jacobian
        assert weights is not None
        weights = weights[self.window]
        if start is None or not start.requires_grad:
            return [
                LayerCall(call.inputs, None, names, self.num_recorded)
                for call, names in zip(once, trained, strict=True)
            ]
        skipped = {readout}
        below = below_readout(start, once) if self.trace else None
        if below is not None and flat[below].registered.jacobian is not None:
            skipped.add(below)
        found_calls = calls(
            *(y, once, trained, channel_dims, list(weights), start, skipped, self.channels_last, self.keep),
            batched=self.batched,
        )
        if below in skipped:
            # b_k = W_k d unit by unit, so that the sum over k is one product with d sqrt(sum_k W_k^2).
            assert below is not None
            scale = torch.linalg.vector_norm(weights, dim=0).expand(start.shape)
            edges: list[Any] = [once[below].edge]
            (d,) = torch.autograd.grad(start, edges, scale, retain_graph=self.windows)
            found_calls[below] = LayerCall(once[below].inputs, d[:, None], trained[below], 1)
        return found_calls


def _first(call: LayerCall) -> LayerCall:
    return LayerCall(
        tuple(value[:1] for value in call.inputs),
        None if call.b is None else call.b[:1],
        call.trained,
        call.num_outputs,
        None if call.columns is None else tuple(column[:1] for column in call.columns),
    )


def same(a: Trace, b: Trace) -> bool:
    """Whether two batches of one size do the same."""
    return a.entries == b.entries and a.sources == b.sources and a.output == b.output and a.rows == b.rows
