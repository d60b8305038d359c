"""One backward pass an output gives each layer's output gradients."""

import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError, is_out_of_memory
from lazyregime.kernels.empirical._recording import Seen
from lazyregime.kernels.empirical._registry import LayerCall


def calls(
    y: Tensor,
    seen: Sequence[Seen],
    trained: Sequence[frozenset[str]],
    channel_dims: Sequence[int],
    cotangents: Sequence[Tensor],
    start: Tensor | None = None,
    skipped: Collection[int] = (),
    channels_last: bool = False,
    keep: "Keep | None" = None,
    batched: bool = False,
) -> list[LayerCall]:
    """What the rules are given: b for each cotangent of `start`, by default the output y; none for skipped layers."""
    wanted = [index for index in range(len(seen)) if index not in skipped]
    edges = [seen[index].edge for index in wanted]
    start = y if start is None else start
    gathered = _Gathered(seen, channel_dims, len(cotangents), keep or Keep(), y)
    together = vectorized(start, edges, cotangents) if batched and edges else None
    if together is not None:
        for index in reversed(wanted):
            gathered.put_all(index, together.pop())  # freed one by one
    elif edges:
        with _layout_hook(start, channels_last):
            for output, cotangent in enumerate(cotangents):
                for index, grad in zip(wanted, one_by_one(start, edges, cotangent), strict=True):
                    gathered.put(index, output, grad)
    for call in seen:
        if call.versions != tuple(value._version for value in call.inputs):
            raise LazyRegimeError(
                "the model overwrites a layer's input after using it, which no backward pass of it would survive; "
                "make that operation out of place."
            )
    return [
        LayerCall(call.inputs, gathered.buffers.get(index), trained[index], len(cotangents), gathered.columns_of(index))
        for index, call in enumerate(seen)
    ]


def one_by_one(start: Tensor, edges: Sequence[Any], cotangent: Tensor) -> Sequence[Tensor | None]:
    """The gradients of one cotangent of `start` by all edges."""
    return torch.autograd.grad(start, edges, cotangent.expand(start.shape), retain_graph=True, allow_unused=True)


def vectorized(start: Tensor, edges: Sequence[Any], cotangents: Sequence[Tensor]) -> list[Tensor | None] | None:
    """The gradients of all cotangents at once; None if an operation on the way has no rule for batches of gradients."""
    together = torch.stack([cotangent.expand(start.shape) for cotangent in cotangents])
    with without_batching_warnings():
        try:
            return [
                *torch.autograd.grad(
                    start, edges, together, retain_graph=True, allow_unused=True, is_grads_batched=True
                )
            ]
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            return None


@contextmanager
def without_batching_warnings() -> Iterator[None]:
    """Inside, PyTorch does not tell of operations that vmap takes one by one: nobody can do anything about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*performance drop", category=UserWarning)
        yield


_ELEMENTWISE = {
    f"{name}Backward0"
    for name in ("Relu", "Tanh", "Gelu", "Softplus", "Erf", "Sigmoid", "Silu", "Elu", "LeakyRelu", "Threshold")
}


def below_readout(start: Tensor, seen: Sequence[Seen]) -> int | None:
    """The layer whose output reaches the readout through one elementwise function only, with nothing beside it."""
    node: Any = start.grad_fn
    if node is None or node.name() not in _ELEMENTWISE:
        return None
    node = node.next_functions[0][0]
    for index, call in enumerate(seen):
        if call.edge is not None and call.edge.node is node and call.shape == start.shape and start.ndim == 2:
            return index
    return None


_RESHAPES = {"ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0", "CloneBackward0"}


@contextmanager
def _layout_hook(start: Tensor, channels_last: bool) -> Iterator[None]:
    """Hand the gradient that comes out of a flatten on in the convolutions' layout; values are unchanged."""
    node = start.grad_fn
    while node is not None and node.name() in _RESHAPES:
        node = node.next_functions[0][0]
    if not channels_last or node is None:
        yield
        return

    def relayout(grads: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        return tuple(_to_channels_last(grad) if grad is not None and grad.ndim == 4 else grad for grad in grads)

    handle = node.register_prehook(relayout)
    try:
        yield
    finally:
        handle.remove()


def _to_channels_last(grad: Tensor) -> Tensor:
    if grad.stride(0) == 0:  # the same for all samples, as after a readout
        return grad[:1].contiguous(memory_format=torch.channels_last).expand(grad.shape)
    return grad.contiguous(memory_format=torch.channels_last)


def _layout(
    grad: Tensor | None, shape: torch.Size, k: int, channel_dim: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of (n, k, ...): the physical sizes and their order, with k just before the channels: one axis of a GEMM."""
    if grad is None:
        return (shape[0], k, *shape[1:]), tuple(range(len(shape) + 1))
    order = sorted(range(1, grad.ndim), key=lambda dim: (-grad.stride(dim), dim))
    channel = channel_dim % grad.ndim
    place = order.index(channel) if channel in order else 0
    physical = [0, *order[:place], -1, *order[place:]]
    sizes = tuple(k if dim == -1 else grad.shape[dim] for dim in physical)
    return sizes, tuple(physical.index(dim) for dim in (0, -1, *range(1, grad.ndim)))


@final
@dataclass
class Keep:
    """How the gradients of some layers are kept, by their index.

    Attributes:
        apart: layers whose k gradients are not stacked.
        reused: layers whose gradients are used up when the next rows are recorded, so that their memory serves again.
    """

    apart: frozenset[int] = frozenset()
    reused: frozenset[int] = frozenset()
    buffers: dict[tuple[int, tuple[int, ...]], Tensor] = field(
        default_factory=dict[tuple[int, tuple[int, ...]], Tensor]
    )

    def buffer(self, index: int, layout: tuple[tuple[int, ...], tuple[int, ...]], like: Tensor) -> Tensor:
        """An uninitialized (n, k, ...); the memory of an earlier one where that is allowed."""
        sizes, order = layout
        if index not in self.reused:
            return like.new_empty(sizes).permute(order)
        rows, row = sizes[0], sizes[1:]
        found = self.buffers.get((index, row))
        if found is None or found.shape[0] < rows:
            found = self.buffers[index, row] = like.new_empty(sizes)
        return found[:rows].permute(order)


@final
@dataclass
class _Gathered:
    """The gradients of k outputs by the outputs of layers, as the rules take them: (n, k, ...), or k apart."""

    seen: Sequence[Seen]
    channel_dims: Sequence[int]
    num: int
    keep: Keep
    like: Tensor
    buffers: dict[int, Tensor] = field(default_factory=dict[int, Tensor])
    slices: dict[int, tuple[Tensor, ...]] = field(default_factory=dict[int, tuple[Tensor, ...]])
    columns: dict[int, list[Tensor]] = field(default_factory=dict[int, list[Tensor]])

    def put(self, index: int, output: int, grad: Tensor | None) -> None:
        """The gradient of one output; outputs come in their order."""
        if grad is not None and self.seen[index].arrange is not None:
            grad = self.seen[index].rows(grad, self.like)
        if index in self.keep.apart:
            rows = self.seen[index].rows(None, self.like) if grad is None else grad
            self.columns.setdefault(index, []).append(rows)
            return
        if index not in self.slices:
            self.slices[index] = self._buffer(index, grad).unbind(1)
        if grad is None:
            self.slices[index][output].zero_()
        else:
            self.slices[index][output].copy_(grad)

    def put_all(self, index: int, grads: Tensor | None) -> None:
        """The gradients of all outputs, which come first."""
        if grads is None or self.seen[index].arrange is not None or index in self.keep.apart:
            for output in range(self.num):
                self.put(index, output, None if grads is None else grads[output])
        else:
            self._buffer(index, grads[0]).copy_(grads.movedim(0, 1))

    def columns_of(self, index: int) -> tuple[Tensor, ...] | None:
        """Those that are kept apart."""
        return tuple(self.columns[index]) if index in self.columns else None

    def _buffer(self, index: int, grad: Tensor | None) -> Tensor:
        shape = (self.seen[index].rows(None, self.like) if grad is None else grad).shape
        layout = _layout(grad, shape, self.num, self.channel_dims[index])
        self.buffers[index] = self.keep.buffer(index, layout, self.like)
        return self.buffers[index]
