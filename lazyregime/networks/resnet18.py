"""The residual network of 18 layers for small images: a 3x3 stem, four stages of two blocks, pooling, a linear readout.

Widths w, 2w, 4w, 8w; the last three stages halve the image. After He et al. (arXiv 1512.03385), with their
shortcut B; [COB19] trains it without norms.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks._check import check_sizes
from lazyregime.networks.activations import Activation
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.factory import LayerFactory
from lazyregime.networks.pooling import MeanOverPixels

NORMS = ("group", "batch", "none")
NUM_LAYERS = 18


@final
class ResNet18(AbstractChain):
    """ResNet-18 whose first stage has `width` channels.

    Batch norm is used in eval mode only, whatever `train()` says: an affine map with the statistics it holds, 0 and 1
    at first, so that f(x) does not depend on the batch.

    Args:
        width: Channels of the first stage; 64 in the original.
        in_channels: Channels of the image.
        n_outputs: k.
        norm: group, batch (in eval mode), or none.
        num_groups: Of the group norms.
        activation: One of `lazyregime.networks.ACTIVATIONS`.
        normalize_activation: Scale the activation to unit second moment under N(0, 1).
        parameterization: standard, ntk, mean_field or mup.
        bias: Whether the readout has a bias, and convolutions where no norm follows.
        bias_scale: The factor of those N(0, 1) biases in all but `standard`.

    Raises:
        LazyRegimeError: If a size is not a positive whole number, does not go with another, or a name is not known.
    """

    def __init__(
        self,
        width: int = 16,
        *,
        in_channels: int = 1,
        n_outputs: int = 10,
        norm: str = "group",
        num_groups: int = 4,
        activation: str = "relu",
        normalize_activation: bool = False,
        parameterization: str = "standard",
        bias: bool = True,
        bias_scale: float = 0.1,
    ) -> None:
        super().__init__()
        check_sizes(width=width, in_channels=in_channels, n_outputs=n_outputs, num_groups=num_groups)
        if norm not in NORMS:
            raise LazyRegimeError(f"norm={norm!r} is not known; choose one of {', '.join(NORMS)}.")
        make = LayerFactory(parameterization, width, bias, bias_scale, num_layers=NUM_LAYERS)
        parts = _Parts(make, norm, num_groups, partial(Activation, activation, normalize=normalize_activation))
        layers: list[nn.Module] = [parts.conv2d(in_channels, width), parts.norm(width), parts.activation()]
        channels = width
        for stage, outer in enumerate((width, 2 * width, 4 * width, 8 * width)):
            layers += [Block(parts, channels, outer, 1 if stage == 0 else 2), Block(parts, outer, outer, 1)]
            channels = outer
        self.width = width
        self.layers = nn.Sequential(*layers, MeanOverPixels(), make.linear(channels, n_outputs, readout=True))
        self.train()

    def train(self, mode: bool = True) -> "ResNet18":
        """As for any module, but batch norms stay in eval mode."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


class _Parts:
    """Convolutions, norms and activation of one network."""

    def __init__(self, make: LayerFactory, norm: str, num_groups: int, activation: Callable[[], Activation]) -> None:
        self._make = make if norm == "none" else replace(make, bias=False)
        self._norm, self._num_groups, self.activation = norm, num_groups, activation

    def conv2d(self, in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> nn.Conv2d:
        return self._make.conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=kernel_size // 2)

    def norm(self, channels: int) -> nn.Module:
        if self._norm == "none":
            return nn.Identity()
        if self._norm == "batch":
            return self._make.batch_norm2d(channels)
        return self._make.group_norm(self._num_groups, channels)


@final
class Block(nn.Module):
    """sigma(norm(conv(sigma(norm(conv(x))))) + shortcut(x)), where the shortcut is x, or norm(conv1x1(x))."""

    def __init__(self, parts: _Parts, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            parts.conv2d(in_channels, out_channels, stride=stride), parts.norm(out_channels), parts.activation(),
            parts.conv2d(out_channels, out_channels), parts.norm(out_channels),
        )  # fmt: skip
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            conv = parts.conv2d(in_channels, out_channels, kernel_size=1, stride=stride)
            self.shortcut = nn.Sequential(conv, parts.norm(out_channels))
        self.activation = parts.activation()

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:  # noqa: D102
        return self.activation(self.residual(x) + self.shortcut(x))
