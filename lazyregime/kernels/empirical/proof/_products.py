"""Matrix products, convolutions and attention: samples may not be summed over, nor meet each other."""

from lazyregime.kernels.empirical.proof._rules import Call, aligned, rule
from lazyregime.kernels.empirical.proof._views import Kind, Rows, Type, View


def _product(call: Call, a: View, b: View) -> Type:
    """(..., i, j) (..., j, k): rows of a's i, of b's k, or of the leading dimensions of both."""
    rows_a, rows_b = call.rows(a), call.rows(b)
    if a.ndim == 1 or b.ndim == 1:
        if rows_a == Rows(0, rows_a.inner if rows_a else 1) and a.ndim == 2 and rows_b is None:
            return rows_a if rows_a is not None else Kind.MIXED
        return Kind.MIXED
    if rows_a is not None and rows_b is None:
        if rows_a.dim == a.ndim - 2:
            return rows_a
        if rows_a.dim < a.ndim - 2 and _constant_along(b, rows_a.dim, call):
            return rows_a
    elif rows_b is not None and rows_a is None:
        if rows_b.dim == b.ndim - 1:
            return rows_b
        if rows_b.dim < b.ndim - 2 and _constant_along(a, rows_b.dim, call):
            return rows_b
    elif rows_a == rows_b and rows_a is not None and rows_a.dim < a.ndim - 2 and a.ndim == b.ndim:
        return rows_a
    return Kind.MIXED


def _constant_along(view: View, dim: int, call: Call) -> bool:
    return call.type(view) is Kind.UNIFORM or view.sizes[dim] == 1 or view.strides[dim] == 0


@rule("mm", "bmm", "matmul", "mv", "_int_mm")
def product(call: Call) -> Type:
    """A B."""
    a, b = call.named["self"], next(call.named[key] for key in ("mat2", "other", "vec") if key in call.named)
    return _product(call, a, b)


@rule("addmm", "addbmm", "baddbmm", "addmv", "_addmm_activation")
def sum_and_product(call: Call) -> Type:
    """C + A B, where C is broadcast."""
    names = (("mat1", "mat2"), ("batch1", "batch2"), ("mat", "vec"))
    a, b = next((call.named[x], call.named[y]) for x, y in names if x in call.named)
    if call.entry.op._schema.name.startswith("aten::addbmm"):
        return Kind.MIXED
    found = _product(call, a, b)
    out = call.out()
    if not isinstance(found, Rows) or out is None:
        return Kind.MIXED
    given = call.named["self"]
    mine = call.rows(given)
    if mine is not None:
        return found if mine == found and given.ndim == out.ndim else Kind.MIXED
    dim = found.dim - out.ndim + given.ndim
    return found if dim < 0 or _constant_along(given, dim, call) else Kind.MIXED


@rule("linear", "mkldnn_linear")
def linear(call: Call) -> Type:
    """Over the last dimension."""
    x = call.named.get("input", call.named.get("self"))
    assert isinstance(x, View)
    rows = call.rows(x)
    ok = rows is not None and rows.dim < x.ndim - 1 and call.fixed("weight", "bias")
    return rows if ok and rows is not None else Kind.MIXED


@rule("convolution", "_convolution", "mkldnn_convolution", "cudnn_convolution", "miopen_convolution", "thnn_conv2d")
@rule("_slow_conv2d_forward", "slow_conv3d_forward", "conv_depthwise3d", "_conv_depthwise2d", "slow_conv_dilated2d")
@rule("slow_conv_dilated3d", "slow_conv_transpose2d", "slow_conv_transpose3d", "cudnn_convolution_transpose")
@rule("mkldnn_convolution_pointwise", "conv1d", "conv2d", "conv3d", "convolution_overrideable")
def convolution(call: Call) -> Type:
    """The first of four dimensions (three for sequences, five for volumes) counts samples."""
    x = call.operands[0]
    rows, out = call.rows(x), call.out()
    others = [view for view in call.operands if view != x]
    ok = rows is not None and rows.dim == 0 and all(call.rows(view) is None for view in others)
    same = out is not None and out.ndim == x.ndim and out.sizes[0] == x.sizes[0]
    return rows if ok and same and rows is not None else Kind.MIXED


@rule("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention")
@rule("_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention", "_flash_attention_forward")
@rule("_scaled_dot_product_fused_attention_overrideable", "scaled_dot_product_attention")
def attention(call: Call) -> Type | tuple[Type, ...]:
    """softmax(q k^T) v of each sample; a mask may be broadcast."""
    q, k, v = (call.named[name] for name in ("query", "key", "value"))
    rows, out = call.rows(q), call.out()
    mask = call.named.get("attn_mask", call.named.get("attn_bias"))
    if rows is None or rows.dim != 0 or q.ndim != 4 or any(call.type(view) != rows for view in (k, v)) or out is None:
        return Kind.MIXED
    if isinstance(mask, View) and aligned(call, [q, mask], 4) != rows:
        return Kind.MIXED
    # The output and its log-sum-exp count samples; the others are states of a random generator.
    return tuple(
        rows if view.ndim >= 3 and view.sizes[0] == q.sizes[0] else Kind.CONSTANT for view in call.entry.outputs
    )


@rule("_cdist_forward", "cdist", "_euclidean_dist")
def distances(call: Call) -> Type:
    """Of the rows of two matrices: either they are samples and the others are fixed, or there is a pair a sample."""
    a, b = call.named["x1"], call.named["x2"]
    rows_a, rows_b = call.rows(a), call.rows(b)
    if rows_a is not None and rows_b is None and rows_a.dim == a.ndim - 2:
        return rows_a
    if rows_b is not None and rows_a is None and rows_b.dim == b.ndim - 2:
        return Rows(rows_b.dim + 1, rows_b.inner)
    if rows_a is not None and rows_a == rows_b and rows_a.dim < a.ndim - 2 and a.ndim == b.ndim:
        return rows_a
    return Kind.MIXED
