r"""CNTK: the NTK and NNGP of a convolutional network with infinitely many channels [ADH+19].

A convolution averages Sigma and Theta over aligned patches of the two images. A readout of all pixels needs only
pairs of the same pixel, (h w) numbers a pair of images; global average pooling needs all pairs of pixels, (h w)^2.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.infinite._base import AbstractInfiniteKernel, as_inputs, inputs
from lazyregime.kernels.infinite._blocks import by_blocks
from lazyregime.kernels.infinite.activation import Activation, dual_of
from lazyregime.kernels.infinite.layers import Affine, Pairs, Scheme, activate, affine, variances

_TEMPORARIES = 12


@final
@dataclass(frozen=True)
class InfiniteCNN(AbstractInfiniteKernel):
    """The kernels of a CNN of infinitely many channels, computed as those of `InfiniteMLP`.

    The defaults are those of `lazyregime.networks.CNN(parameterization="ntk")`: valid 3x3 convolutions and a readout
    of all pixels. [ADH+19] has padding="same", no bias and, at its best, pooling="average".
    Time for a pair of images is depth * h * w without and depth * (h * w)^2 with pooling.

    Attributes:
        depth: Convolutions, each followed by the activation.
        kernel_size: Of the filters, square; odd for padding="same".
        padding: "valid", or "same" (zeros).
        pooling: "none": a readout with a weight for each pixel; or "average": global average pooling before it.
        last_activation: Whether the last convolution is followed by the activation.
        train_ends: Whether the first convolution and the readout are trained ([ADH+19] fixes both in CNTK-GAP).
        activation: As for `InfiniteMLP`, like all that follow.
    """

    depth: int = 3
    kernel_size: int = 3
    padding: str = "valid"
    pooling: str = "none"
    last_activation: bool = True
    train_ends: bool = True
    activation: Activation = "relu"
    normalize_activation: bool = False
    parameterization: str = "ntk"
    width: int = 32
    weight_variance: float | None = None
    bias_variance: float | None = None
    bias: bool = True
    which: str = "ntk"
    memory_budget: int | None = None

    rows_at_once: ClassVar[int] = 100

    def __post_init__(self) -> None:
        self.check_choices()
        if self.depth < 1 or self.kernel_size < 1 or self.padding not in ("valid", "same"):
            raise LazyRegimeError(f"depth and kernel_size must be >= 1, padding valid or same; got {self}.")
        if self.pooling not in ("none", "average"):
            raise LazyRegimeError(f"pooling={self.pooling!r} is not known; choose none or average.")
        if self.padding == "same" and self.kernel_size % 2 == 0:
            raise LazyRegimeError(f'padding="same" needs an odd kernel_size; got {self.kernel_size}.')

    def kernels(
        self, x1: Shaped[Tensor, "n c h w"], x2: Shaped[Tensor, "m c h w"] | None = None
    ) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"]]:
        """NNGP and NTK of all pairs of images. Without x2, those of x1 with itself.

        Raises:
            LazyRegimeError: If the images are too small, or one pair does not fit the memory budget.
        """
        a, b = inputs(x1, x2, flat=False)
        _, channels, height, width = a.shape
        shrink = self.depth * (self.kernel_size - 1) if self.padding == "valid" else 0
        if min(height, width) <= shrink:
            raise LazyRegimeError(
                f"{self.depth} valid convolutions of size {self.kernel_size} leave nothing of {height} x {width} "
                'pixels; use fewer, or padding="same".'
            )
        dual = dual_of(self.activation, self.normalize_activation)
        convolutions, readout = self._layers(channels, (height - shrink) * (width - shrink))
        patches = Patches(self.kernel_size, (self.kernel_size - 1) // 2 if self.padding == "same" else 0)
        activated = convolutions if self.last_activation else convolutions[:-1]
        q1, q2 = (variances(x.square().mean(1), activated, dual, patches) for x in (a, b))
        everywhere = self.pooling == "average"

        def block(rows: slice, columns: slice) -> Pairs:
            pixels = "ncij,mckl->nmijkl" if everywhere else "ncij,mcij->nmij"
            nngp = torch.einsum(pixels, a[rows], b[columns]) / channels
            pairs = Pairs(nngp, torch.zeros_like(nngp))
            for index, layer in enumerate(convolutions):
                pairs = affine(pairs, layer, patches)
                if index < len(activated):
                    qa, qb = _aligned(q1[index][rows], q2[index][columns], everywhere)
                    pairs = activate(pairs, dual, qa, qb)
            return affine(pairs, readout, _all_pixels)

        nngp, ntk = by_blocks(
            block,
            len(a),
            len(b),
            symmetric=x2 is None,
            pair_bytes=8 * _TEMPORARIES * (height * width) ** (2 if everywhere else 1),
            budget=self.memory_budget or default_budget(a.device),
            device=a.device,
        )
        return as_inputs(nngp, x1), as_inputs(ntk, x1)

    def _layers(self, channels: int, num_pixels: int) -> tuple[list[Affine], Affine]:
        scheme = Scheme(self.parameterization, self.weight_variance, self.bias_variance, self.bias)
        area = self.kernel_size**2
        layers = [scheme.affine(area * c) for c in [channels] + [self.width] * (self.depth - 1)]
        readout = scheme.affine(self.width * (1 if self.pooling == "average" else num_pixels))
        if not self.train_ends:
            layers[0], readout = layers[0].frozen(), readout.frozen()
        return layers, readout


@dataclass(frozen=True)
class Patches:
    """The mean over a k x k window; of pixel pairs (.., i, j, i', j'), over windows that move together."""

    size: int
    padding: int

    def __call__(self, state: Tensor) -> Tensor:
        """Averages; padding counts as zeros."""
        p = self.padding
        if state.ndim == 6:
            return self._along(self._along(F.pad(state, (p,) * 8), (2, 4)), (3, 5)) / self.size**2
        return self._along(self._along(F.pad(state, (p,) * 4), (-1,)), (-2,)) / self.size**2

    def _along(self, state: Tensor, axes: tuple[int, ...]) -> Tensor:
        length = state.shape[axes[0]] - self.size + 1

        def shifted(shift: int) -> Tensor:
            view = state
            for axis in axes:
                view = view.narrow(axis, shift, length)
            return view

        total = shifted(0).clone()
        for shift in range(1, self.size):
            total += shifted(shift)
        return total


def _aligned(q1: Tensor, q2: Tensor, everywhere: bool) -> tuple[Tensor, Tensor]:
    if everywhere:
        return q1[:, None, :, :, None, None], q2[None, :, None, None]
    return q1[:, None], q2[None]


def _all_pixels(state: Tensor) -> Tensor:
    return state.flatten(2).mean(2)
