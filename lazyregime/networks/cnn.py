"""f(x) = W flatten(sigma(conv(... sigma(conv(x)) ...))): the convolutional network of the survey, 3x3 and valid."""

from typing import final

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks._check import check_sizes
from lazyregime.networks.activations import Activation
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.factory import LayerFactory

KERNEL_SIZE = 3


@final
class CNN(AbstractChain):
    """`depth` valid 3x3 convolutions of `width` channels, stride 1, and a linear readout of all pixels.

    Args:
        width: Channels of each convolution.
        depth: Convolutions.
        in_channels: Channels of the image.
        image_size: Height and width of the image.
        n_outputs: k.
        activation: One of `lazyregime.networks.ACTIVATIONS`.
        last_activation: Whether the last convolution is followed by the activation. The poster's code has none there
            (science 6.2, point 3), although its text says that it has.
        normalize_activation: Scale the activation to unit second moment under N(0, 1).
        parameterization: standard, ntk, mean_field or mup.
        bias: Whether layers have biases.
        bias_scale: The factor of the N(0, 1) biases in all but `standard`.

    Raises:
        LazyRegimeError: If a size is not a positive whole number, the image too small or a name is not known.
    """

    def __init__(
        self,
        width: int = 32,
        *,
        depth: int = 3,
        in_channels: int = 1,
        image_size: int = 28,
        n_outputs: int = 10,
        activation: str = "relu",
        last_activation: bool = True,
        normalize_activation: bool = False,
        parameterization: str = "standard",
        bias: bool = True,
        bias_scale: float = 0.1,
    ) -> None:
        super().__init__()
        check_sizes(width=width, depth=depth, in_channels=in_channels, image_size=image_size, n_outputs=n_outputs)
        final_size = image_size - depth * (KERNEL_SIZE - 1)
        if final_size < 1:
            raise LazyRegimeError(
                f"depth={depth} valid 3x3 convolutions leave nothing of an image of {image_size} pixels; "
                f"use a depth of at most {(image_size - 1) // (KERNEL_SIZE - 1)}."
            )
        make = LayerFactory(parameterization, width, bias, bias_scale)
        layers: list[nn.Module] = []
        for channels in [in_channels] + [width] * (depth - 1):
            layers += [
                make.conv2d(channels, width, KERNEL_SIZE),
                Activation(activation, normalize=normalize_activation),
            ]
        if not last_activation:
            layers.pop()
        self.width = width
        self.layers = nn.Sequential(*layers, nn.Flatten(), make.linear(width * final_size**2, n_outputs, readout=True))
