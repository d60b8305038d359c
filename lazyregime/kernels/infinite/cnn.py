r"""CNTK: the NTK and NNGP of a convolutional network with infinitely many channels [ADH+19].

A convolution averages Sigma and Theta over aligned patches of the two images. A readout of all pixels needs only
pairs of the same pixel, (h w) numbers a pair of images; global average pooling needs all pairs of pixels, (h w)^2.
"""

from dataclasses import dataclass
from typing import final

from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite._base import AbstractInfiniteKernel
from lazyregime.kernels.infinite.activation import Activation, dual_of
from lazyregime.kernels.infinite.layers import AbstractLayer, AveragePool, Conv, Dense, Pointwise
from lazyregime.kernels.infinite.network import InfiniteNetwork


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
    dtype: str = "float64"

    def __post_init__(self) -> None:
        dual_of(self.activation)
        self.check_choices()
        if self.depth < 1:
            raise LazyRegimeError(f"A CNN has at least one convolution; got depth={self.depth}.")
        if self.pooling not in ("none", "average"):
            raise LazyRegimeError(f"pooling={self.pooling!r} is not known; choose none or average.")
        Conv(self.kernel_size, self.padding)

    @property
    def network(self) -> InfiniteNetwork:
        """The same, layer by layer."""
        layers: list[AbstractLayer] = []
        for index in range(self.depth):
            trained = self.train_ends or index > 0
            layers.append(Conv(self.kernel_size, self.padding, trained=trained))
            if self.last_activation or index < self.depth - 1:
                layers.append(Pointwise(self.activation, self.normalize_activation))
        layers += [AveragePool()] * (self.pooling == "average")
        return InfiniteNetwork.like(self, [*layers, Dense(trained=self.train_ends)])

    def kernels(
        self, x1: Shaped[Tensor, "n c h w"], x2: Shaped[Tensor, "m c h w"] | None = None
    ) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"]]:
        """NNGP and NTK of all pairs of images. Without x2, those of x1 with itself.

        Raises:
            LazyRegimeError: If the images are too small, or one pair does not fit the memory budget.
        """
        return self.network.kernels(x1, x2)
