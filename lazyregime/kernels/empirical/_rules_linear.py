"""Linear: grad_k W(x) = sum_t b_kt a_t^T, with the layer's forward multipliers; Embedding and Conv1d/2d alike."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lazyregime.kernels.empirical._factors import Factor, Lookup, Outer
from lazyregime.kernels.empirical._registry import LayerCall, RegisteredRule, register_builtin
from lazyregime.networks.layers import ScaledConv2d, ScaledLinear

_WEIGHT_BIAS = frozenset({"weight", "bias"})


def multipliers_of(layer: nn.Module) -> tuple[float, float]:
    """The forward multipliers of a layer's weight and bias."""
    if isinstance(layer, ScaledLinear | ScaledConv2d):
        return layer.weight_multiplier, layer.bias_multiplier
    return 1.0, 1.0


def _multipliers(layer: nn.Module, call: LayerCall) -> tuple[float, float]:
    weight, bias = multipliers_of(layer)
    return call.multiplier("weight", weight), call.multiplier("bias", bias)


def linear(layer: nn.Linear, call: LayerCall) -> list[Factor]:
    """All dimensions between the first and the last are positions."""
    (x,) = call.inputs
    n, d = x.shape[0], x.shape[-1]
    weight, bias = _multipliers(layer, call)
    b = None if call.b is None else _positions(call.b)[:, :, None]
    columns = call.columns and tuple(c.reshape(n, -1, c.shape[-1]) for c in call.columns)
    return [Outer((x.reshape(n, 1, -1, d),), b, weight, bias, columns)]


def _jacobian(layer: nn.Linear) -> Tensor:
    weight = layer.weight.detach()
    return weight * layer.weight_multiplier if isinstance(layer, ScaledLinear) else weight


def _positions(b: Tensor) -> Tensor:
    # (n, k, *t, o) -> (n, k, t, o) whatever the memory layout; t = 1 when there is none.
    return b[:, :, None] if b.ndim == 3 else b.flatten(2, -2)


def embedding(layer: nn.Embedding, call: LayerCall) -> list[Factor]:
    """Row ids[t] of the table receives b_kt; the padding row receives nothing."""
    (ids,) = call.inputs
    assert call.b is not None
    b = _positions(call.b)
    ids = ids.reshape(ids.shape[0], -1)
    if layer.padding_idx is not None:
        b = b * (ids != layer.padding_idx)[:, None, :, None]
    return [Lookup(ids, b)]


def convolution(layer: nn.Conv1d | nn.Conv2d, call: LayerCall) -> list[Factor]:
    """grad_k w = sum_t b_kt patch_t^T over the patches of the padded input."""
    (x,) = call.inputs
    weight, bias = _multipliers(layer, call)
    x, b = _pad(layer, x), call.b
    two = isinstance(layer, nn.Conv2d)
    (kh, kw), (sh, sw), (dh, dw) = (v if two else (1, *v) for v in (layer.kernel_size, layer.stride, layer.dilation))
    last = two and _channels_last(x)
    if not two:
        x = x[:, :, None]
    n, g = x.shape[0], layer.groups
    # (n, g, c, oh, ow, kh, kw), then one copy in which what was contiguous stays so; columns in the order (kh, kw, c).
    patches = x.unfold(2, (kh - 1) * dh + 1, sh)[..., ::dh].unfold(3, (kw - 1) * dw + 1, sw)[..., ::dw]
    patches = patches.unflatten(1, (g, -1))
    if last:
        a = patches.permute(0, 3, 4, 1, 5, 6, 2).flatten(4).flatten(1, 2).transpose(1, 2)
    else:
        a = patches.permute(0, 1, 5, 6, 2, 3, 4).flatten(5).flatten(2, 4).mT
    a = a.reshape(n, g, *a.shape[2:])
    if call.columns is not None:
        return [Outer((a,), None, weight, bias, tuple(c.flatten(2).mT for c in call.columns))]
    assert b is not None
    return [Outer((a,), b.unflatten(2, (g, -1)).flatten(4).permute(0, 1, 2, 4, 3), weight, bias)]


def _pad(layer: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor:
    # Both of PyTorch's spellings ("same", numbers) end up in this attribute, last dimension first.
    padding: list[int] = list(layer._reversed_padding_repeated_twice)  # pyright: ignore[reportPrivateUsage]
    if not any(padding):
        return x
    return F.pad(x, padding, mode="constant" if layer.padding_mode == "zeros" else layer.padding_mode)


def _channels_last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def _embedding_applies(layer: nn.Embedding) -> bool:
    return layer.max_norm is None and not layer.scale_grad_by_freq


for _type in (nn.Linear, ScaledLinear):
    register_builtin(_type, RegisteredRule(linear, _WEIGHT_BIAS, -1, _jacobian, "linear", takes_columns=True))
for _type in (nn.Conv1d, nn.Conv2d, ScaledConv2d):
    register_builtin(_type, RegisteredRule(convolution, _WEIGHT_BIAS, 1, name="convolution", takes_columns=True))
register_builtin(
    nn.Embedding,
    RegisteredRule(embedding, frozenset({"weight"}), -1, name="lookup", applies=_embedding_applies),
)
