"""Pooling, resizing and rearranging of the last dimensions, for each sample and channel."""

from lazyregime.kernels.empirical.proof._rules import Call, rule
from lazyregime.kernels.empirical.proof._views import Kind, Type


@rule(
    *("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d"),
    *("_adaptive_avg_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "max_pool2d"),
    *("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "avg_pool1d", "max_pool1d", "max_pool3d"),
    *("mkldnn_max_pool2d", "mkldnn_adaptive_avg_pool2d", "max_pool1d_with_indices", "quantized_max_pool2d"),
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d", "upsample_bilinear2d"),
    *("upsample_bicubic2d", "upsample_trilinear3d", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d"),
    *("_upsample_nearest_exact3d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
    *("reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d"),
    *("replication_pad3d", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle"),
    *("im2col", "col2im", "grid_sampler_2d", "grid_sampler_3d", "grid_sampler", "max_unpool2d", "max_unpool3d"),
)
def spatial(call: Call) -> Type:
    """The first dimension counts samples before and after, with as many in it."""
    x = call.operands[0]
    rows, out = call.rows(x), call.out()
    if rows is None or out is None or rows.dim != 0 or out.ndim != x.ndim or x.ndim < 3:
        return Kind.MIXED
    same = out.sizes[0] == x.sizes[0] and all(call.type(view) == rows for view in call.operands)
    return rows if same else Kind.MIXED
