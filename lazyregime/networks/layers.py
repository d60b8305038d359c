"""y = m W x + m_b b: linear and convolutional layers with a forward multiplier (`standard`: PyTorch's own)."""

from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.networks.parameterization import LayerScale


@final
class ScaledLinear(nn.Linear):
    """y = `weight_multiplier` W x + `bias_multiplier` b with W_ij ~ N(0, init_std^2), b_i ~ N(0, 1)."""

    def __init__(self, in_features: int, out_features: int, *, scale: LayerScale, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias=bias)
        self.weight_multiplier, self.bias_multiplier = scale.multiplier, scale.bias_multiplier
        self.scale = scale
        _draw(self, scale)

    def forward(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n k"]:  # noqa: D102
        # The input is scaled and not the weight, which is larger and whose gradient would have to be scaled too.
        bias = None if self.bias is None else self.bias * self.bias_multiplier
        return F.linear(x * self.weight_multiplier, self.weight, bias)


@final
class ScaledConv2d(nn.Conv2d):
    """The convolution with forward multipliers; `fan_in` is channels a group times kernel area."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        scale: LayerScale,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=bias)
        self.weight_multiplier, self.bias_multiplier = scale.multiplier, scale.bias_multiplier
        self.scale = scale
        _draw(self, scale)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:  # noqa: D102
        bias = None if self.bias is None else self.bias * self.bias_multiplier
        return F.conv2d(x, self.weight * self.weight_multiplier, bias, self.stride, self.padding, groups=self.groups)


@torch.no_grad()
def _draw(layer: nn.Linear | nn.Conv2d, scale: LayerScale) -> None:
    # N(0, 1) first and scaled after, so that all parameterizations draw the same numbers from one seed.
    assert scale.init_std is not None
    layer.weight.normal_().mul_(scale.init_std)
    if layer.bias is not None:
        layer.bias.normal_()
