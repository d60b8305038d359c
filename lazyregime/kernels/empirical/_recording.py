"""One forward pass of a borrowed model: its output, the calls of some layers, and every operation that it took."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from lazyregime.errors import LazyRegimeError, is_out_of_memory
from lazyregime.kernels.empirical._loan import Loan, failed
from lazyregime.kernels.empirical.proof import EXIT, Recorder, Trace


@final
@dataclass(frozen=True)
class Seen:
    """One call of a layer: what went in (detached; the first also as it was) and the point its output came from.

    Where the gradients of the output do not have the samples first, `arrange` gives them such rows.
    """

    inputs: tuple[Tensor, ...]
    versions: tuple[int, ...]
    edge: GradientEdge | None
    shape: torch.Size
    sources: frozenset[Any]
    first: Tensor | None
    arrange: Callable[[Tensor], Tensor] | None = None

    def rows(self, gradient: Tensor | None, like: Tensor) -> Tensor:
        """A gradient of the output, or zeros, with a row for each sample."""
        if gradient is None:
            gradient = like.new_zeros(self.shape)
        return gradient if self.arrange is None else self.arrange(gradient)


@final
@dataclass(frozen=True)
class Recording:
    """One forward pass: the batch, the output as (n, k), every call of the layers by name, and what was done."""

    x: Tensor
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
    given, x = x, torch.empty_like(x, memory_format=layout).copy_(x)
    trace, seen = Trace(x.shape[0]), dict[str, list[Seen]]()
    with ExitStack() as stack:
        stack.enter_context(torch.enable_grad())
        if parameters:
            stack.enter_context(loan.with_parameters(parameters))
        recorder = stack.enter_context(loan.watched(trace, x, draws=draws))
        recorder.event("batch", x)
        for name, module in layers:
            handle = module.register_forward_hook(_Remember(name, recorder, seen), prepend=True, with_kwargs=True)
            stack.callback(handle.remove)
        y = _forward(loan, x)
        recorder.finish(y)
    return Recording(given, y, seen, trace)


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
        with self.recorder.paused():
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
