"""Which dual an activation has, given by name, as a function or as a module; what is no activation is refused."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite._hermite import hermite_basis
from lazyregime.kernels.infinite.dual import AbstractDual, Erf, PiecewiseLinear, Pointwise, Scaled
from lazyregime.kernels.infinite.mehler import Mehler
from lazyregime.networks.activations import ACTIVATIONS

Activation = str | Callable[[Tensor], Tensor]

_ERF = (torch.erf, torch.special.erf)
_FIRST = 24  # Hermite coefficients that tell whether the derivative is that of the function


def dual_of(activation: Activation, normalize: bool = False) -> AbstractDual:
    """The dual of an activation by name, or of a pointwise function or module; `normalize` scales to E[s(Z)^2] = 1.

    Raises:
        LazyRegimeError: If the name is not known, or the function is not pointwise, continuous and differentiable
            almost everywhere.
    """
    dual = _named(activation) if isinstance(activation, str) else _given(activation)
    if not normalize:
        return dual
    moment = float(dual.second_moment(torch.ones((), dtype=torch.float64)))
    if not moment > 0:
        raise LazyRegimeError("normalize_activation needs an activation that is not zero everywhere.")
    return Scaled(dual, moment**-0.5)


def _named(name: str) -> AbstractDual:
    if name not in ACTIVATIONS:
        raise LazyRegimeError(
            f"activation={name!r} is not known; choose one of {', '.join(ACTIVATIONS)}, or give a function."
        )
    return _given(ACTIVATIONS[name], name)


def _given(activation: Any, name: str | None = None) -> AbstractDual:
    if not callable(activation):
        raise LazyRegimeError(
            f"activation={activation!r} is neither a name nor a function; choose one of {', '.join(ACTIVATIONS)}, or "
            "give a pointwise function or module, such as torch.abs or nn.LeakyReLU(0.1)."
        )
    if activation in _ERF:
        return Erf()
    name = name if name is not None else str(getattr(activation, "__name__", type(activation).__name__))
    function = _in_float64(activation)
    z = torch.linspace(-8, 8, 65, dtype=torch.float64)
    _check_pointwise(function, z, name)
    slopes = _slopes(function)
    if slopes is not None:
        return PiecewiseLinear(*slopes)
    dual = Mehler(function, name)
    _check_derivative(dual, function, name)
    return dual


def _in_float64(activation: Any) -> Pointwise:
    if isinstance(activation, nn.Module):
        return copy.deepcopy(activation).double().requires_grad_(False)
    return activation


def _check_pointwise(function: Pointwise, z: Tensor, name: str) -> None:
    some = torch.randperm(len(z), generator=torch.Generator().manual_seed(0))[:7]
    try:
        y, again, alone = function(z), function(z), function(z[some])
    except Exception as error:  # whatever a user's function may raise
        raise LazyRegimeError(
            f"The activation {name} fails on a tensor of float64 numbers: {str(error).splitlines()[0]}. Give a "
            "pointwise function of a tensor, such as torch.tanh."
        ) from error
    if not isinstance(y, Tensor) or y.shape != z.shape or y.dtype != z.dtype:
        what = f"a tensor of shape {tuple(y.shape)} and {y.dtype}" if isinstance(y, Tensor) else type(y).__name__
        raise LazyRegimeError(
            f"The activation {name} gives {what} for float64 numbers of shape {tuple(z.shape)}; it must be pointwise."
        )
    if not bool(torch.isfinite(y).all()):
        raise LazyRegimeError(f"The activation {name} is not finite for some numbers between -8 and 8.")
    if not torch.equal(y, again):
        raise LazyRegimeError(f"The activation {name} is random; give a function, or call .eval() on the module first.")
    if alone.shape != some.shape or not torch.allclose(y[some], alone, rtol=1e-12, atol=1e-300):
        raise LazyRegimeError(f"The activation {name} mixes numbers; it must be pointwise, as tanh is and softmax not.")


def _slopes(function: Pointwise) -> tuple[float, float] | None:
    """On both sides of 0, if the function is linear there."""
    generator = torch.Generator().manual_seed(0)
    t = torch.cat([torch.logspace(-6, 6, 49), torch.rand(200, generator=generator) * 10]).double()
    positive, negative = (float(function(torch.tensor([s], dtype=torch.float64))) * s for s in (1.0, -1.0))
    linear = all(
        torch.allclose(function(sign * t), sign * slope * t, rtol=1e-13, atol=0)
        for sign, slope in ((1.0, positive), (-1.0, negative))
    )
    return (positive, negative) if linear else None


def _check_derivative(dual: Mehler, function: Pointwise, name: str) -> None:
    """E[s'(z) h_j(z)] = sqrt(j + 1) E[s(z) h_{j+1}(z)] (Stein), unless s jumps or its backward is another function."""
    basis, one = hermite_basis(600), torch.ones((), dtype=torch.float64)
    try:
        slopes = basis.coefficients(dual.derivative, one, slice(0, _FIRST))
    except RuntimeError as error:
        raise LazyRegimeError(
            f"The activation {name} has no derivative by autograd: {str(error).splitlines()[0]}. Write it with torch "
            "operations."
        ) from error
    a = basis.coefficients(function, one, slice(1, _FIRST + 1))
    expected = torch.arange(1, _FIRST + 1, dtype=torch.float64).sqrt() * a
    if not torch.allclose(slopes, expected, rtol=0, atol=1e-3 * float(slopes.norm() + expected.norm())):
        raise LazyRegimeError(
            f"The derivative of the activation {name}, by autograd, is not that of a continuous function: it jumps, or "
            "has a backward pass of its own, and no kernel has its gradients; use a continuous one."
        )
