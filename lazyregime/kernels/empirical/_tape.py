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
    num = len(cotangents)
    wanted = [index for index in range(len(seen)) if index not in skipped]
    edges = [seen[index].edge for index in wanted]
    start = y if start is None else start
    keep = keep or Keep()
    buffers: dict[int, Tensor] = {}
    slices: dict[int, tuple[Tensor, ...]] = {}
    columns: dict[int, list[Tensor]] = {index: [] for index in wanted if index in keep.apart}
    with _layout_hook(start, channels_last and not batched):
        for output, grads in enumerate(gradients_by_output(start, edges, cotangents, batched) if edges else ()):
            for index, grad in zip(wanted, grads, strict=True):
                if grad is not None and seen[index].arrange is not None:
                    grad = seen[index].rows(grad, y)
                if index in columns:
                    columns[index].append(seen[index].rows(None, y) if grad is None else grad)
                    continue
                if index not in buffers:
                    shape = (seen[index].rows(None, y) if grad is None else grad).shape
                    buffers[index] = keep.buffer(index, _layout(grad, shape, num, channel_dims[index]), y)
                    slices[index] = buffers[index].unbind(1)
                if grad is None:
                    slices[index][output].zero_()
                else:
                    slices[index][output].copy_(grad)
    for call in seen:
        if call.versions != tuple(value._version for value in call.inputs):
            raise LazyRegimeError(
                "the model overwrites a layer's input after using it, which no backward pass of it would survive; "
                "make that operation out of place."
            )
    return [
        LayerCall(
            call.inputs, buffers.get(index), trained[index], num, tuple(columns[index]) if index in columns else None
        )
        for index, call in enumerate(seen)
    ]


def gradients_by_output(
    start: Tensor, edges: Sequence[Any], cotangents: Sequence[Tensor], batched: bool
) -> Iterator[Sequence[Tensor | None]]:
    """The gradients of each cotangent of `start` by all edges: one pass for each, or one vectorized pass for all."""
    grads = vectorized(start, edges, cotangents) if batched else None
    for output, cotangent in enumerate(cotangents):
        if grads is not None:
            yield [None if grad is None else grad[output] for grad in grads]
        else:
            yield torch.autograd.grad(start, edges, cotangent.expand(start.shape), retain_graph=True, allow_unused=True)


def vectorized(start: Tensor, edges: Sequence[Any], cotangents: Sequence[Tensor]) -> tuple[Tensor | None, ...] | None:
    """The gradients of all cotangents at once; None if an operation on the way has no rule for batches of gradients."""
    together = torch.stack([cotangent.expand(start.shape) for cotangent in cotangents])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*performance drop")
        try:
            return torch.autograd.grad(
                start, edges, together, retain_graph=True, allow_unused=True, is_grads_batched=True
            )
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            return None


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
