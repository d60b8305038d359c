r"""What an infinitely wide network is made of: each layer takes Sigma (the nngp kernel) and Theta (the ntk) on.

affine        Sigma <- w A(Sigma) + b,               Theta <- g_w A(Sigma) + g_b + w A(Theta)
pointwise     Sigma <- E[s(u) s(v)],                 Theta <- Theta E[s'(u) s'(v)]
residual      Sigma <- Sigma + c^2 Sigma_block,      Theta <- Theta + c^2 Theta_block
pooling       Sigma <- P(Sigma),                     Theta <- P(Theta)
layer norm    Sigma <- Sigma / sqrt(q1 q2),          Theta <- Theta / sqrt(q1 q2)

A is the mean over the inputs that a unit sums: nothing for a dense layer, aligned patches for a convolution, pixels for
a readout. In the NTK parameterization g_w = w and g_b = b; in the standard one g_w = fan_in and g_b = 1 (2001.07301).
A residual block ends in an affine layer of its own weights, so it is uncorrelated with what it is added to. What layer
norm divides by is a mean over infinitely many units: its own gradient vanishes like one over the width.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite._pixels import Patches, all_pixels, pool
from lazyregime.kernels.infinite._walk import State, Walk
from lazyregime.kernels.infinite.activation import Activation, dual_of


@dataclass(frozen=True)
class Kind:
    """What is known of the units before a layer, whatever the inputs.

    Attributes:
        spatial: Whether they have pixels.
        gaussian: Whether they are Gaussian: sums over infinitely many units, by weights of their own.
        inputs: Whether they are the network's inputs, or linear in them without weights.
    """

    spatial: bool
    gaussian: bool = False
    inputs: bool = True


class AbstractLayer(ABC):
    """A layer, or a block of them."""

    @abstractmethod
    def check(self, kind: Kind) -> Kind:
        """What the units are after it.

        Raises:
            LazyRegimeError: If it cannot stand there.
        """

    @abstractmethod
    def apply(self, state: State, walk: Walk) -> State:
        """The kernels after it."""

    @property
    def inside(self) -> "tuple[AbstractLayer, ...]":
        """The layers that it is made of."""
        return ()


@final
@dataclass(frozen=True)
class Dense(AbstractLayer):
    """A fully connected layer; of images, one of all pixels.

    Attributes:
        trained: Whether its weights have gradients.
    """

    trained: bool = True

    def check(self, kind: Kind) -> Kind:  # noqa: D102
        return Kind(spatial=False, gaussian=True, inputs=False)

    def apply(self, state: State, walk: Walk) -> State:  # noqa: D102
        positions = walk.num_pixels(state.nngp)
        mean = all_pixels if positions is not None else _identity
        return walk.affine(state, state.channels * (positions or 1), mean, trained=self.trained)


@final
@dataclass(frozen=True)
class Conv(AbstractLayer):
    """A convolution.

    Attributes:
        kernel_size: Of its filters, square.
        padding: "valid", or "same": (kernel_size - 1) / 2 zeros on each side, which needs an odd kernel_size.
        stride: Of both axes.
        trained: Whether its weights have gradients.
    """

    kernel_size: int = 3
    padding: str = "valid"
    stride: int = 1
    trained: bool = True

    def __post_init__(self) -> None:
        if self.kernel_size < 1 or self.stride < 1 or self.padding not in ("valid", "same"):
            raise LazyRegimeError(f"kernel_size and stride must be >= 1, padding valid or same; got {self}.")
        if self.padding == "same" and self.kernel_size % 2 == 0:
            raise LazyRegimeError(f'padding="same" needs an odd kernel_size; got {self.kernel_size}.')

    def check(self, kind: Kind) -> Kind:  # noqa: D102
        if not kind.spatial:
            raise LazyRegimeError("A Conv needs pixels, and there are none after Dense or a global AveragePool.")
        return Kind(spatial=True, gaussian=True, inputs=False)

    def apply(self, state: State, walk: Walk) -> State:  # noqa: D102
        patches = Patches(self.kernel_size, (self.kernel_size - 1) // 2 if self.padding == "same" else 0, self.stride)
        patches.check(state.nngp.shape)
        return walk.affine(state, state.channels * self.kernel_size**2, patches, trained=self.trained)


@final
@dataclass(frozen=True)
class Pointwise(AbstractLayer):
    """An activation.

    Attributes:
        activation: As for `InfiniteMLP`.
        normalize: Scale it to unit second moment under N(0, 1).
    """

    activation: Activation = "relu"
    normalize: bool = False

    def __post_init__(self) -> None:
        dual_of(self.activation)

    def check(self, kind: Kind) -> Kind:  # noqa: D102
        if not kind.gaussian:
            raise LazyRegimeError(
                "An activation needs Gaussian units, sums over infinitely many others: put Dense or Conv before it."
            )
        return Kind(kind.spatial, gaussian=False, inputs=False)

    def apply(self, state: State, walk: Walk) -> State:  # noqa: D102
        return walk.activate(state, dual_of(self.activation, self.normalize))


@final
@dataclass(frozen=True)
class Residual(AbstractLayer):
    """X + scale block(x), or shortcut(x) + scale block(x).

    Attributes:
        block: Layers, the last of them Dense or Conv.
        shortcut: Layers beside the block, if x itself has another shape.
        scale: Of the block; [1] and others take 1/sqrt(depth).
    """

    block: tuple[AbstractLayer, ...]
    shortcut: tuple[AbstractLayer, ...] = ()
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.block or not isinstance(self.block[-1], Dense | Conv):
            raise LazyRegimeError(
                "A residual block must end in Dense or Conv: its weights make it uncorrelated with what it is added to."
            )
        if not abs(self.scale) < float("inf"):
            raise LazyRegimeError(f"The scale of a residual block is a finite number; got {self.scale}.")

    @property
    def inside(self) -> tuple[AbstractLayer, ...]:  # noqa: D102
        return (*self.block, *self.shortcut)

    def check(self, kind: Kind) -> Kind:  # noqa: D102
        after, beside = check_all(self.block, kind), check_all(self.shortcut, kind)
        if beside.inputs:
            raise LazyRegimeError(
                "A residual block cannot be added to the inputs, which are finitely many: put Dense or Conv first."
            )
        if after.spatial != beside.spatial:
            raise LazyRegimeError("A residual block with pixels cannot be added to units without, or the reverse.")
        return Kind(after.spatial, gaussian=beside.gaussian, inputs=False)

    def apply(self, state: State, walk: Walk) -> State:  # noqa: D102
        block, beside = apply_all(self.block, state, walk), apply_all(self.shortcut, state, walk)
        if block.nngp.shape != beside.nngp.shape:
            raise LazyRegimeError(
                f"A residual block gives images of {tuple(block.nngp.shape[2:4])} pixels, but is added to "
                f'{tuple(beside.nngp.shape[2:4])}: use padding="same", or a shortcut with the same stride.'
            )
        square = self.scale**2
        return State(
            beside.nngp + square * block.nngp, beside.ntk + square * block.ntk, block.channels, beside.gaussian
        )


@final
@dataclass(frozen=True)
class AveragePool(AbstractLayer):
    """The mean over windows, or over all pixels; it needs the kernel of all pairs of pixels, (h w)^2 a pair of images.

    Attributes:
        size: Of the windows, square; None for all pixels.
        stride: Their distance; as large as they are if None.
    """

    size: int | None = None
    stride: int | None = None

    def __post_init__(self) -> None:
        if any(value is not None and value < 1 for value in (self.size, self.stride)):
            raise LazyRegimeError(f"Size and stride of windows are at least 1; got {self}.")

    def check(self, kind: Kind) -> Kind:  # noqa: D102
        if not kind.spatial:
            raise LazyRegimeError("An AveragePool needs pixels, and there are none after Dense or a global one.")
        return Kind(self.size is not None, kind.gaussian, kind.inputs)

    def apply(self, state: State, walk: Walk) -> State:  # noqa: D102
        nngp, ntk = (pool(kernel, self.size, self.stride or self.size) for kernel in (state.nngp, state.ntk))
        return State(nngp, ntk, state.channels, state.gaussian)


@final
@dataclass(frozen=True)
class LayerNorm(AbstractLayer):
    """Division by the root mean square over units; of Gaussian units, whose mean is zero, that is all there is to it.

    It has no gain and no shift of its own.

    Attributes:
        over: "channels", at each pixel, or "all" pixels together, which is GroupNorm with one group.
        eps: Added to the mean square.
    """

    over: str = "channels"
    eps: float = 1e-5

    def __post_init__(self) -> None:
        if self.over not in ("channels", "all") or not 0 <= self.eps < float("inf"):
            raise LazyRegimeError(f"LayerNorm is over channels or all, with a finite eps >= 0; got {self}.")

    def check(self, kind: Kind) -> Kind:  # noqa: D102
        if not kind.gaussian:
            raise LazyRegimeError(
                "A LayerNorm needs Gaussian units here: put it after Dense or Conv, before the activation."
            )
        return kind

    def apply(self, state: State, walk: Walk) -> State:  # noqa: D102
        return walk.normalize(state, everywhere=self.over == "all", eps=self.eps)


def check_all(layers: tuple[AbstractLayer, ...], kind: Kind) -> Kind:
    """What the units are after these layers."""
    for layer in layers:
        kind = layer.check(kind)
    return kind


def apply_all(layers: tuple[AbstractLayer, ...], state: State, walk: Walk) -> State:
    """The kernels after these layers."""
    for layer in layers:
        state = layer.apply(state, walk)
    return state


def _identity(kernel: Tensor) -> Tensor:
    return kernel
