"""Rules by operation: the per-sample gradients of a parameter from what autograd kept of the operation that used it.

An operation is met wherever it is: in a module of the user's, in recurrent and attention layers, in functions.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from lazyregime.kernels.empirical._factors import Factor, Lookup, Outer, Rows
from lazyregime.kernels.empirical._operations import Operation, OperationRule, Taken, by_sample
from lazyregime.kernels.empirical._patches import patches
from lazyregime.kernels.empirical._registry import LayerCall
from lazyregime.kernels.empirical.proof import RowsOf


def _positions(x: Tensor, rows: RowsOf, n: int) -> Tensor:
    """(n, t, o)."""
    x = by_sample(x, rows, n)
    return x.reshape(n, -1, x.shape[-1])


def _product(first: str) -> Callable[[Operation, Any, int], Taken]:
    def take(operation: Operation, node: Any, n: int) -> Taken:
        rows = operation.rows
        inputs = (_positions(getattr(node, first).detach(), rows, n),) if operation.trained("weight") else ()
        return Taken(inputs, lambda b: _positions(b, rows, n))

    return take


def _factors_of_sum(node: Any) -> tuple[float, float]:
    return float(getattr(node, "_saved_alpha", 1.0)), float(getattr(node, "_saved_beta", 1.0))


def _product_factors(operation: Operation, call: LayerCall) -> list[Factor]:
    assert call.b is not None
    alpha, beta = operation.options
    if not call.inputs:
        return [Rows(beta * call.b.sum(2))]
    return [Outer((call.inputs[0][:, None],), call.b[:, :, None], alpha, beta * operation.trained("bias"))]


def _elementwise(factor: Callable[[Operation, Any], Tensor | float]) -> Callable[[Operation, Any, int], Taken]:
    """Y = p * factor + ...: the gradient is b * factor, summed over what p is broadcast along."""

    def take(operation: Operation, node: Any, n: int) -> Taken:
        times, rows, sizes = factor(operation, node), operation.rows, operation.elements[0].sizes

        def arrange(b: Tensor) -> Tensor:
            wide = (1,) * (b.ndim - len(sizes)) + sizes
            b = b if isinstance(times, float) and times == 1.0 else b * times
            b = by_sample(b, rows, n)
            split = b.ndim == len(wide) + 2
            # What a sample's parts count is summed over, and so is all along which the parameter is one number.
            others = [size for dim, size in enumerate(wide) if dim != rows.dim]
            kept = [*others[: rows.dim], *((1, 1) if split else ()), *others[rows.dim :]]
            summed = [dim for dim, size in enumerate(kept, start=1) if size == 1 and b.shape[dim] != 1]
            return (b.sum(summed) if summed else b).reshape(n, -1)

        return Taken((), arrange)

    return take


def _written_out(operation: Operation, call: LayerCall) -> list[Factor]:
    assert call.b is not None
    return [Rows(call.b)]


def _other(operation: Operation, node: Any) -> Tensor:
    return (node._saved_other if operation.places[0][1] == 0 else node._saved_self).detach()


def _sign(sign: float) -> Callable[[Operation, Any], float]:
    return lambda operation, node: 1.0 if operation.places[0][1] == 0 else sign * float(node._saved_alpha)


def _normalized(operation: Operation, node: Any) -> Tensor | float:
    if operation.places[0][0] == "bias":
        return 1.0
    return ((node._saved_input - node._saved_result1) * node._saved_result2).detach()


def _negative(operation: Operation, node: Any) -> Tensor:
    return node._saved_self.detach().clamp(max=0)


def _lookup(operation: Operation, node: Any, n: int) -> Taken:
    ids, rows, given, padding = node._saved_indices, operation.rows, operation.given, node._saved_padding_idx
    assert given is not None
    ids = by_sample(ids, given, n).reshape(n, -1)

    def arrange(b: Tensor) -> Tensor:
        b = _positions(b, rows, n)
        return b * (ids != padding)[..., None] if 0 <= padding < 1 << 62 else b

    return Taken((ids,), arrange)


def _lookup_factors(operation: Operation, call: LayerCall) -> list[Factor]:
    assert call.b is not None
    return [Lookup(call.inputs[0], call.b)]


def _convolution(operation: Operation, node: Any, n: int) -> Taken:
    inputs = (node._saved_input.detach(),) if operation.trained("weight") else ()
    return Taken(inputs, lambda b: b)


def _options(node: Any) -> tuple[Any, ...]:
    """Kernel, stride, padding and dilation; groups; whether it is transposed."""
    sizes = (node._saved_weight.shape[2:], node._saved_stride, node._saved_padding, node._saved_dilation)
    return [[int(v) for v in values] for values in sizes], int(node._saved_groups), bool(node._saved_transposed)


def _convolution_factors(operation: Operation, call: LayerCall) -> list[Factor]:
    """grad_k w = sum_t b_kt patch_t^T; a transposed one has the input and the gradient in each other's places."""
    assert call.b is not None
    b, (n, k) = call.b, call.b.shape[:2]
    trained = [Rows(b.flatten(3).sum(3))] if operation.trained("bias") else []
    if not operation.trained("weight"):
        return list[Factor](trained)
    (x,), (sizes, groups, transposed) = call.inputs, operation.options
    kernel, stride, padding, dilation = sizes
    if not transposed:
        a = patches(x, kernel, stride, padding, dilation, groups)
        return [Outer((a,), b.unflatten(2, (groups, -1)).flatten(4).transpose(3, 4), 1.0, float(bool(trained)))]
    a = x.unflatten(1, (groups, -1)).flatten(3).transpose(2, 3)
    turned = patches(b.flatten(0, 1), kernel, stride, padding, dilation, groups, x.shape[2:])
    return [Outer((a,), turned.unflatten(0, (n, k))), *trained]


def _linear(first: str, places: dict[int, str], beside: int) -> OperationRule:
    return OperationRule("linear", places, _product(first), _product_factors, _factors_of_sum, beside)


RULES: dict[str, OperationRule] = {
    "AddmmBackward0": OperationRule(
        "linear", {0: "bias", 2: "weight"}, _product("_saved_mat1"), _product_factors, _factors_of_sum, 1
    ),
    "MmBackward0": OperationRule(
        "linear", {1: "weight"}, _product("_saved_self"), _product_factors, _factors_of_sum, 0
    ),
    "BmmBackward0": OperationRule(
        "linear", {1: "weight"}, _product("_saved_self"), _product_factors, _factors_of_sum, 0
    ),
    "AddBackward0": OperationRule("added", {0: "weight", 1: "weight"}, _elementwise(_sign(1.0)), _written_out),
    "SubBackward0": OperationRule("added", {0: "weight", 1: "weight"}, _elementwise(_sign(-1.0)), _written_out),
    "MulBackward0": OperationRule("scale", {0: "weight", 1: "weight"}, _elementwise(_other), _written_out),
    "ExpandBackward0": OperationRule("repeated", {0: "weight"}, _elementwise(lambda *_: 1.0), _written_out),
    "NativeLayerNormBackward0": OperationRule(
        "layer norm", {1: "weight", 2: "bias"}, _elementwise(_normalized), _written_out
    ),
    "PreluKernelBackward0": OperationRule("prelu", {1: "weight"}, _elementwise(_negative), _written_out),
    "EmbeddingBackward0": OperationRule("lookup", {0: "weight"}, _lookup, _lookup_factors, beside=1),
    "ConvolutionBackward0": OperationRule(
        "convolution", {1: "weight", 2: "bias"}, _convolution, _convolution_factors, _options, 0, 1
    ),
}
# Operations of which weight and bias are served together.
TOGETHER = frozenset(("AddmmBackward0", "ConvolutionBackward0"))


def suits(operation: Operation, dims: int) -> bool:
    """Whether a rule covers how an operation's operands lie; its output has so many dimensions."""
    elements = operation.elements
    if not all(e.distinct() for e in elements):
        return False
    if operation.node in ("AddmmBackward0", "MmBackward0", "BmmBackward0"):
        weight = [e for (key, _), e in zip(operation.places, elements, strict=True) if key == "weight"]
        whole = all(len(e.sizes) == (3 if operation.node == "BmmBackward0" else 2) for e in weight)
        ahead = operation.rows.dim == (1 if operation.node == "BmmBackward0" else 0)
        return ahead and whole and (not weight or operation.given == operation.rows)
    if operation.node == "ConvolutionBackward0":
        return operation.rows == RowsOf(0, 1) and operation.given in (None, RowsOf(0, 1))
    if operation.node == "EmbeddingBackward0":
        return operation.given is not None and operation.given == operation.rows and operation.rows.dim < dims - 1
    place = operation.rows.dim - dims + len(elements[0].sizes)
    return place < 0 or elements[0].sizes[place] == 1
