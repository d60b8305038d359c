"""The way through a network for a block of pairs of inputs: Sigma and Theta, and the variances of both sides."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from lazyregime.kernels.infinite._pixels import diagonal_pixels
from lazyregime.kernels.infinite.dual import AbstractDual
from lazyregime.kernels.infinite.scheme import Scheme

Mean = Callable[[Tensor], Tensor]


@final
@dataclass(frozen=True)
class State:
    """Kernels of a block of pairs, (n, m), or (n, m, h, w) of equal pixels, or (n, m, h, w, h, w) of all pairs of them.

    Attributes:
        nngp: Sigma.
        ntk: Theta.
        channels: Units at each pixel: those of the inputs, or the width.
        gaussian: Whether they are Gaussian.
    """

    nngp: Tensor
    ntk: Tensor
    channels: int
    gaussian: bool


class Walk:
    """What layers need on the way.

    Args:
        scheme: How they are parameterized.
        width: Of the hidden layers.
        sides: The variances of both sides wherever a layer asks for them, in turn; None for the kernel of each sample
            with itself, (n, 1, ..), which has its own variances.
    """

    def __init__(self, scheme: Scheme, width: int, sides: Iterator[tuple[Tensor, Tensor]] | None = None) -> None:
        self._scheme, self._width, self._sides = scheme, width, sides
        self.variances: list[Tensor] = []

    def num_pixels(self, kernel: Tensor) -> int | None:
        """Pixels of an image; None if there are none."""
        return kernel.shape[2] * kernel.shape[3] if kernel.ndim > 2 else None

    def affine(self, state: State, fan_in: int, mean: Mean, *, trained: bool) -> State:
        """An affine layer; `mean` averages over the inputs of a unit."""
        layer = self._scheme.affine(fan_in, trained=trained)
        nngp = mean(state.nngp)
        ntk = torch.add(_times(mean(state.ntk), layer.weight_variance), nngp, alpha=layer.weight_gradient)
        if layer.bias_gradient:
            ntk.add_(layer.bias_gradient)
        nngp = _times(nngp, layer.weight_variance)
        return State(nngp + layer.bias_variance if layer.bias_variance else nngp, ntk, self._width, True)

    def activate(self, state: State, dual: AbstractDual) -> State:
        """A pointwise nonlinearity."""
        q1, q2 = self._variances(state.nngp)
        if self._sides is None and state.nngp.ndim < 6:
            return State(dual.second_moment(state.nngp), state.ntk, state.channels, False)
        nngp, sdot = dual(state.nngp, q1, q2)
        if self._sides is None:
            diagonal_pixels(nngp).copy_(dual.second_moment(diagonal_pixels(state.nngp)))
        return State(nngp, state.ntk * sdot, state.channels, False)

    def normalize(self, state: State, *, everywhere: bool, eps: float) -> State:
        """Division by the root of the variances, or of their mean over pixels."""
        roots = [(q + eps).sqrt() for q in self._variances(state.nngp, everywhere)]
        return State(state.nngp / roots[0] / roots[1], state.ntk / roots[0] / roots[1], state.channels, state.gaussian)

    def _variances(self, nngp: Tensor, everywhere: bool = False) -> tuple[Tensor, Tensor]:
        """Of both sides, so that they broadcast against the pairs."""
        if self._sides is None:
            q = diagonal_pixels(nngp)  # (n, 1), (n, 1, h, w)
            if everywhere and q.ndim > 2:
                q = q.mean((2, 3), keepdim=True)
            self.variances.append(q[:, 0])
            q1 = q2 = q[:, 0]
        else:
            q1, q2 = next(self._sides)
        if nngp.ndim < 6:
            return q1[:, None], q2[:, None] if self._sides is None else q2[None]
        second = q2[:, None, None, None] if self._sides is None else q2[None, :, None, None]
        return q1[:, None, :, :, None, None], second


def _times(x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else x * factor
