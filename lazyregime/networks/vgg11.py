"""VGG-11 without batch norm, as in [COB19]: eight padded 3x3 convolutions, five halvings, one linear readout.

Channels w, 2w, 4w, 4w, 8w, 8w, 8w, 8w: w = 64 is the original, w = 64 k [COB19]'s at widening factor k.
"""

from typing import final

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks._check import check_sizes
from lazyregime.networks.activations import Activation
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.factory import LayerFactory

STAGES = ((1,), (2,), (4, 4), (8, 8), (8, 8))  # channels over width, with a halving of the image after each stage
NUM_LAYERS = 9  # eight convolutions and the readout


@final
class VGG11(AbstractChain):
    """VGG-11 of `width` channels in its first layer; the readout takes all pixels that are left, one for 32x32.

    An odd image is halved upwards, so that 28x28 images end with one pixel too.

    Args:
        width: Channels of the first layer; 64 k for [COB19]'s widening factor k.
        in_channels: Channels of the image.
        image_size: Height and width of the image.
        n_outputs: k.
        activation: One of `lazyregime.networks.ACTIVATIONS`.
        normalize_activation: Scale the activation to unit second moment under N(0, 1), so that the signal keeps its
            size through eight layers without norms.
        parameterization: standard, ntk, mean_field or mup.
        bias: Whether layers have biases.
        bias_scale: The factor of the N(0, 1) biases in all but `standard`.
        xavier_gain: Of [COB19]'s initialization, N(0, 2 gain^2 / (fan_in + fan_out)) with biases of zero; None: the
            parameterization's own. Only in `standard`.

    Raises:
        LazyRegimeError: If a size is not a positive whole number, a name is not known, or the gain cannot be.
    """

    def __init__(
        self,
        width: int = 16,
        *,
        in_channels: int = 1,
        image_size: int = 28,
        n_outputs: int = 10,
        activation: str = "relu",
        normalize_activation: bool = True,
        parameterization: str = "standard",
        bias: bool = True,
        bias_scale: float = 0.1,
        xavier_gain: float | None = None,
    ) -> None:
        super().__init__()
        check_sizes(width=width, in_channels=in_channels, image_size=image_size, n_outputs=n_outputs)
        make = LayerFactory(parameterization, width, bias, bias_scale, num_layers=NUM_LAYERS)
        layers: list[nn.Module] = []
        channels, size = in_channels, image_size
        for stage in STAGES:
            for factor in stage:
                layers += [
                    make.conv2d(channels, factor * width, 3, padding=1),
                    Activation(activation, normalize=normalize_activation),
                ]
                channels = factor * width
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
            size = -(-size // 2)
        self.width = width
        self.layers = nn.Sequential(*layers, nn.Flatten(), make.linear(channels * size**2, n_outputs, readout=True))
        if xavier_gain is not None:
            _draw_xavier(self.layers, xavier_gain, parameterization)


def _draw_xavier(layers: nn.Sequential, gain: float, parameterization: str) -> None:
    """Draw the weights anew by Glorot's rule, without biases."""
    if parameterization != "standard":
        raise LazyRegimeError(
            f"arch.xavier_gain={gain:g} is of the standard parameterization, and this is {parameterization}, which "
            "draws weights its own way; set parameterization=standard, or arch.xavier_gain=null."
        )
    if not 0 < gain < float("inf"):
        raise LazyRegimeError(f"arch.xavier_gain={gain:g} is not possible; it must be positive and finite, or null.")
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_normal_(layer.weight, gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
