r"""sigma and sigma' in the memory of their argument, so that a block of preactivations never leaves the cache.

Beside the activations of the library: `quadratic`, sigma(z) = z^2, and `mmn18`, [MMN18]'s saturating ramp

    sigma(z) = s_1 for z <= t_1,  s_2 for z >= t_2,  linear between,   (s_1, s_2, t_1, t_2) = (-2.5, 7.5, 0.5, 1.5)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import ACTIVATIONS

KINKED = frozenset({"relu", "mmn18"})  # their flow on a sample is not smooth in time
InPlace = Callable[[Tensor], Tensor]

S1, S2, T1, T2 = -2.5, 7.5, 0.5, 1.5  # [MMN18]
RAMP_SLOPE = (S2 - S1) / (T2 - T1)


@final
@dataclass(frozen=True)
class Pointwise:
    """A nonlinearity and its derivative, each overwriting its argument.

    `slope_of_value` says what `slope_` wants: sigma(z), where sigma' is a function of sigma (then one buffer serves
    both), or z itself.
    """

    value_: InPlace
    slope_: InPlace
    slope_of_value: bool


def pointwise(name: str) -> Pointwise:
    """The nonlinearity by name; one that has no derivative written here is differentiated by autograd.

    Raises:
        LazyRegimeError: If the name is not known.
    """
    if name in _WRITTEN:
        return _WRITTEN[name]
    if name not in ACTIVATIONS:
        choices = ", ".join(activation_names())
        raise LazyRegimeError(f"activation={name!r} is not known; choose one of {choices}.")
    return _by_autograd(ACTIVATIONS[name])


def activation_names() -> tuple[str, ...]:
    """What `pointwise` knows."""
    return tuple(dict.fromkeys([*ACTIVATIONS, *_WRITTEN]))


def evaluate(name: str, z: Tensor) -> Tensor:
    """sigma(z), in memory of its own."""
    return pointwise(name).value_(z.clone())


def _by_autograd(function: Callable[[Tensor], Tensor]) -> Pointwise:
    def slope_(z: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = z.detach().clone().requires_grad_()
            (gradient,) = torch.autograd.grad(function(leaf).sum(), leaf)
        return z.copy_(gradient)

    return Pointwise(lambda z: z.copy_(function(z)), slope_, slope_of_value=False)


def _affine_(z: Tensor, slope: float, offset: float) -> Tensor:
    """`slope` z + `offset`, in one pass over the memory."""
    return torch.add(z.new_tensor(offset), z, alpha=slope, out=z)


def _one_minus_square_(v: Tensor) -> Tensor:
    return torch.addcmul(v.new_ones(()), v, v, value=-1, out=v)


def _ramp_(z: Tensor) -> Tensor:
    return _affine_(z.clamp_(T1, T2), RAMP_SLOPE, S1 - RAMP_SLOPE * T1)


def _ramp_slope_(v: Tensor) -> Tensor:
    # sigma strictly between s_1 and s_2: at the ends, where clamp has put many, the slope is 0
    slope = v.new_tensor(RAMP_SLOPE).expand_as(v)
    return torch.ops.aten.hardtanh_backward.grad_input(slope, v, S1, S2, grad_input=v)


_WRITTEN: dict[str, Pointwise] = {
    "relu": Pointwise(torch.relu_, lambda v: torch.gt(v, 0, out=v), slope_of_value=True),
    # by the logistic function, which torch computes four times as fast as tanh; the error is some 1e-16 of 1, not of z
    "tanh": Pointwise(lambda z: _affine_(z.mul_(2).sigmoid_(), 2.0, -1.0), _one_minus_square_, slope_of_value=True),
    "erf": Pointwise(
        torch.erf_, lambda z: z.square_().neg_().exp_().mul_(2 / math.sqrt(math.pi)), slope_of_value=False
    ),
    # 1 - exp(-softplus(z)) is the logistic function
    "softplus": Pointwise(
        lambda z: z.copy_(torch.nn.functional.softplus(z)), lambda v: v.neg_().expm1_().neg_(), slope_of_value=True
    ),
    "quadratic": Pointwise(torch.square_, lambda z: z.mul_(2), slope_of_value=False),
    "mmn18": Pointwise(_ramp_, _ramp_slope_, slope_of_value=True),
}
