"""y = w x_hat + c: grad w = sum over positions of b x_hat, grad c = sum of b, for all norms that do not mix samples."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from lazyregime.kernels.empirical._factors import Factor, Rows
from lazyregime.kernels.empirical._registry import LayerCall, RegisteredRule, register_builtin


def _affine(call: LayerCall, x_hat: Tensor, shape: tuple[int, ...]) -> list[Factor]:
    # The parameters have `shape` once the other dimensions are summed over.
    assert call.b is not None
    b, (n, k) = call.b, call.b.shape[:2]
    summed = [dim for dim, size in enumerate(shape, start=2) if size == 1 and b.shape[dim] != 1]

    def reduce(values: Tensor) -> Rows:
        return Rows((values.sum(summed) if summed else values).reshape(n, k, -1))

    factors: list[Factor] = []
    if "weight" in call.trained:
        factors.append(reduce(b * x_hat[:, None]))
    if "bias" in call.trained:
        factors.append(reduce(b))
    return factors


def layer_norm(layer: nn.LayerNorm, call: LayerCall) -> list[Factor]:
    """The parameters belong to the last dimensions."""
    (x,) = call.inputs
    x_hat = F.layer_norm(x, layer.normalized_shape, eps=layer.eps)
    return _affine(call, x_hat, _last(x, len(layer.normalized_shape)))


def rms_norm(layer: nn.RMSNorm, call: LayerCall) -> list[Factor]:
    """As `layer_norm`, without centring or bias."""
    (x,) = call.inputs
    shape: list[int] = list(layer.normalized_shape)
    return _affine(call, F.rms_norm(x, shape, eps=layer.eps), _last(x, len(shape)))


def group_norm(layer: nn.GroupNorm, call: LayerCall) -> list[Factor]:
    """The parameters belong to the channels."""
    (x,) = call.inputs
    return _affine(call, F.group_norm(x, layer.num_groups, eps=layer.eps), _channels(x))


def batch_norm(layer: Any, call: LayerCall) -> list[Factor]:
    """In eval mode, an affine map of each sample; the parameters belong to the channels."""
    (x,) = call.inputs
    x_hat = F.batch_norm(x, layer.running_mean, layer.running_var, training=False, eps=layer.eps)
    return _affine(call, x_hat, _channels(x))


def _last(x: Tensor, count: int) -> tuple[int, ...]:
    return (*(1,) * (x.ndim - 1 - count), *x.shape[x.ndim - count :])


def _channels(x: Tensor) -> tuple[int, ...]:
    return (x.shape[1], *(1,) * (x.ndim - 2))


_PARAMETERS = frozenset({"weight", "bias"})
register_builtin(nn.LayerNorm, RegisteredRule(layer_norm, _PARAMETERS, -1, name="layer norm"))
register_builtin(nn.RMSNorm, RegisteredRule(rms_norm, _PARAMETERS, -1, name="rms norm"))
register_builtin(nn.GroupNorm, RegisteredRule(group_norm, _PARAMETERS, 1, name="group norm"))
for _type in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
    register_builtin(_type, RegisteredRule(batch_norm, _PARAMETERS, 1, name="batch norm"))
