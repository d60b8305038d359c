"""One forward pass and one backward pass an output give each layer's inputs and output gradients."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._loan import Loan, failed, is_out_of_memory
from lazyregime.kernels.empirical._registry import LayerCall
from lazyregime.kernels.empirical.proof import EXIT, Recorder, Trace


@final
@dataclass(frozen=True)
class Seen:
    """One call of a layer: what went in (detached; the first also as it was) and the point its output came from."""

    inputs: tuple[Tensor, ...]
    versions: tuple[int, ...]
    edge: GradientEdge | None
    shape: torch.Size
    sources: frozenset[Any]
    first: Tensor | None


@final
@dataclass(frozen=True)
class Recording:
    """One forward pass: the output as (n, k), every call of the layers by name, and the operations it took."""

    y: Tensor
    seen: dict[str, list[Seen]]
    trace: Trace


def record(
    loan: Loan,
    layers: Sequence[tuple[str, nn.Module]],
    x: Tensor,
    *,
    parameters: Mapping[str, Tensor] | None = None,
    channels_last: bool = False,
    draws: bool = False,
) -> Recording:
    """Run the model on a copy of x, which is its to change.

    Args:
        loan: The model.
        layers: Those of which the calls are kept, with their names.
        x: The batch.
        parameters: Tensors in the place of some of the model's parameters.
        channels_last: The memory layout of the copy.
        draws: Whether to keep digests of random numbers.

    Raises:
        LazyRegimeError: If the model raises, or its output is no tensor with a row for each sample.
    """
    layout = torch.channels_last if channels_last else torch.contiguous_format
    # Explicit, since a tensor of one channel counts as being in both layouts.
    x = torch.empty_like(x, memory_format=layout).copy_(x)
    found = Recording(x, {}, Trace(x.shape[0]))
    with ExitStack() as stack:
        stack.enter_context(torch.enable_grad())
        if parameters:
            stack.enter_context(loan.with_parameters(parameters))
        recorder = stack.enter_context(loan.watched(found.trace, x, draws=draws))
        recorder.event("batch", x)
        for name, module in layers:
            handle = module.register_forward_hook(_Remember(name, recorder, found.seen), prepend=True, with_kwargs=True)
            stack.callback(handle.remove)
        y = _forward(loan, x)
        recorder.finish(y)
    return Recording(y, found.seen, found.trace)


def evaluate(loan: Loan, x: Tensor) -> Tensor:
    """The output on a copy of x as (n, k), with its graph and without a trace.

    Raises:
        LazyRegimeError: As `record`.
    """
    with torch.enable_grad(), loan.guarded():
        return _forward(loan, x.clone())


def _forward(loan: Loan, x: Tensor) -> Tensor:
    try:
        return flat_output(loan.model(x), x.shape[0])
    except LazyRegimeError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise failed(error, x) from error


@final
@dataclass(frozen=True)
class _Remember:
    """A forward hook, before the user's own: what they add to a layer's output comes after the layer."""

    name: str
    recorder: Recorder
    seen: dict[str, list[Seen]]

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        # The edge is taken now, so that a later in-place operation on the output does not move it.
        given = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        inputs = tuple(value.detach() for value in given)
        sources = frozenset(value.grad_fn for value in given if value.grad_fn is not None)
        is_node = isinstance(output, Tensor) and output.requires_grad
        edge = get_gradient_edge(output) if is_node else None
        shape = output.shape if isinstance(output, Tensor) else torch.Size()
        self.seen.setdefault(self.name, []).append(
            Seen(inputs, tuple(v._version for v in inputs), edge, shape, sources, given[0] if given else None)
        )
        self.recorder.event(EXIT + self.name, *given, *([output] if isinstance(output, Tensor) else []))


def flat_output(y: Any, n: int) -> Tensor:
    """The model's output as (n, k).

    Raises:
        LazyRegimeError: If it is no tensor with one row a sample.
    """
    if n == 1 and isinstance(y, Tensor) and y.ndim == 0:
        y = y.reshape(1)
    if not isinstance(y, Tensor) or y.ndim == 0 or y.shape[0] != n:
        what = f"a tensor of shape {tuple(y.shape)}" if isinstance(y, Tensor) else f"a {type(y).__name__}"
        raise LazyRegimeError(
            f"empirical_ntk needs a model whose output is one tensor with a row for each of the {n} inputs, but "
            f"it returned {what}; "
            "wrap the model in a module that does."
        )
    if y.is_complex():
        raise LazyRegimeError(
            "empirical_ntk needs real outputs, but the model's are complex; take real and imaginary parts."
        )
    return y if y.ndim == 2 else y.reshape(n, -1)


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
    with _layout_hook(start, channels_last):
        for output in range(num if edges else 0):
            grads = torch.autograd.grad(  # pyright: ignore[reportCallIssue]
                start,
                edges,  # pyright: ignore[reportArgumentType]
                cotangents[output].expand(start.shape),
                retain_graph=True,
                allow_unused=True,
            )
            for index, grad in zip(wanted, grads, strict=True):
                if index in columns:
                    columns[index].append(y.new_zeros(seen[index].shape) if grad is None else grad)
                    continue
                if index not in buffers:
                    buffers[index] = keep.buffer(index, _layout(grad, seen[index].shape, num, channel_dims[index]), y)
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


def weights_used(y: Tensor) -> dict[int, int]:
    """How often each leaf (by id) is used in the graph of y."""
    return _leaf_uses([y.grad_fn], frozenset())


def weights_used_inside(call: Seen) -> dict[int, int]:
    """How often each leaf is used between a layer's inputs and its output."""
    return {} if call.edge is None else _leaf_uses([call.edge.node], call.sources)


def _leaf_uses(roots: Sequence[Any], stop: frozenset[Any]) -> dict[int, int]:
    uses: dict[int, int] = {}
    for node in nodes(roots, stop):
        for child, _ in node.next_functions:
            if hasattr(child, "variable"):
                key = id(child.variable)
                uses[key] = uses.get(key, 0) + 1
    return uses


def nodes(roots: Sequence[Any], stop: frozenset[Any] = frozenset()) -> Iterator[Any]:
    """The operations of a graph, each once."""
    visited: set[Any] = set()
    todo = [root for root in roots if root is not None and root not in stop]
    while todo:
        node = todo.pop()
        if node in visited:
            continue
        visited.add(node)
        yield node
        todo += [child for child, _ in node.next_functions if child is not None and child not in stop]


def own_backward(y: Tensor) -> str | None:
    """The first operation in the graph whose backward pass is the user's own code, which may mix samples."""
    return next((node.name() for node in nodes([y.grad_fn]) if isinstance(node, torch._C._FunctionBase)), None)
