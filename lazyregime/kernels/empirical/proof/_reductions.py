"""Reductions, scans and permutations along dimensions that do not count samples."""

from lazyregime.kernels.empirical.proof._rules import Call, dims_of, normal, pointwise, rule
from lazyregime.kernels.empirical.proof._views import Kind, Rows, Type


@rule(
    *("sum", "mean", "amax", "amin", "prod", "any", "all", "argmax", "argmin", "std", "var", "std_mean", "var_mean"),
    *("max", "min", "median", "nanmedian", "mode", "kthvalue", "logsumexp", "linalg_vector_norm", "norm", "nansum"),
    *("count_nonzero", "aminmax", "frobenius_norm", "linalg__powsum", "special_logsumexp"),
)
def reduction(call: Call) -> Type:
    """Over `dim`, or over everything."""
    x = call.named.get("self", call.named.get("x"))
    other = call.named.get("other")
    if other is not None:  # max(x, y)
        return pointwise(call)
    rows = call.rows(x)
    if x is None or rows is None or "dim" not in call.named:
        return Kind.MIXED
    reduced = dims_of(call.named["dim"], x.ndim)
    if rows.dim in reduced:
        return Kind.MIXED
    below = 0 if call.named.get("keepdim") else sum(dim < rows.dim for dim in reduced)
    return Rows(rows.dim - below, rows.inner)


@rule(
    *("_softmax", "_log_softmax", "softmax", "log_softmax", "_safe_softmax", "special_softmax", "cumsum", "cumprod"),
    *("cummax", "cummin", "logcumsumexp", "sort", "argsort", "topk", "flip", "roll", "glu"),
    *("_fft_r2c", "_fft_c2c", "_fft_c2r", "linalg_cross", "cross"),
)
def along(call: Call) -> Type:
    """Along `dim` or `dims`; the other dimensions stay where they are."""
    operands = call.operands
    x = operands[0]
    rows = call.rows(x)
    name = next(name for name in ("dim", "dims") if name in call.named)
    if rows is None or any(call.type(view) != rows for view in operands):
        return Kind.MIXED
    return Kind.MIXED if rows.dim in dims_of(call.named[name], x.ndim) else rows


@rule("triu", "tril", "linalg_matrix_exp", "linalg_inv_ex", "linalg_cholesky_ex", "_linalg_eigh", "_linalg_det")
@rule("_linalg_slogdet", "_linalg_svd", "linalg_qr", "linalg_eig", "cholesky", "inverse", "_linalg_solve_ex")
@rule("linalg_lu_factor_ex", "linalg_solve_triangular", "triangular_solve")
def matrices(call: Call) -> Type:
    """A function of the matrix in the last two dimensions."""
    operands = call.operands
    rows = call.rows(operands[0])
    if rows is None or any(call.type(view) != rows or rows.dim >= view.ndim - 2 for view in operands):
        return Kind.MIXED
    return rows


@rule("constant_pad_nd")
def padding(call: Call) -> Type:
    """Numbers added around the last dimensions, `pad` from the last on."""
    x = call.named["self"]
    rows = call.rows(x)
    if rows is None or any(call.named["pad"][2 * (x.ndim - 1 - rows.dim) :][:2]):
        return Kind.MIXED
    return rows


@rule("native_layer_norm", "layer_norm", "_fused_rms_norm", "rms_norm")
def layer_norm(call: Call) -> Type:
    """Over the last dimensions."""
    x = call.named["input"]
    rows = call.rows(x)
    ok = rows is not None and rows.dim < x.ndim - len(call.named["normalized_shape"]) and call.fixed("weight", "bias")
    return rows if ok and rows is not None else Kind.MIXED


@rule("native_group_norm", "group_norm")
def group_norm(call: Call) -> Type:
    """Over groups of channels of each sample."""
    rows = call.rows(call.named["input"])
    ok = rows is not None and rows.dim == 0 and call.fixed("weight", "bias")
    return rows if ok and rows is not None else Kind.MIXED


@rule("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "cudnn_batch_norm")
@rule("_batch_norm_no_update", "_batch_norm_with_update", "miopen_batch_norm", "_batch_norm_impl_index", "batch_norm")
def batch_norm(call: Call) -> Type | tuple[Type, ...]:
    """In eval mode an affine map; in train mode over all but the channels (in instance norm, samples)."""
    x = call.named["input"]
    rows = call.rows(x)
    name = call.entry.op._schema.name
    training = bool(call.named.get("training", "with_update" in name or name.endswith("legit")))
    if rows is None or x.ndim < 2:
        return Kind.MIXED
    channels = normal(1, x.ndim)
    rest = [call.named.get(key) for key in ("weight", "bias", "running_mean", "running_var")]
    if rows.dim != channels:
        fixed = call.fixed("weight", "bias", "running_mean", "running_var")
        return rows if fixed and not training else Kind.MIXED
    if any(view is not None and call.type(view) != Rows(0, rows.inner) for view in rest):
        return Kind.MIXED
    return (rows, *(Rows(0, rows.inner) for _ in range(8)))
