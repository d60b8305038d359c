"""y = m W x + m_b b: linear and convolutional layers with a forward multiplier (`standard`: PyTorch's own)."""

from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.networks.parameterization import STANDARD, LayerScale, layer_scale


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
    """The convolution with forward multipliers; `fan_in` is channels times kernel area."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, scale: LayerScale, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, bias=bias)
        self.weight_multiplier, self.bias_multiplier = scale.multiplier, scale.bias_multiplier
        self.scale = scale
        _draw(self, scale)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k i j"]:  # noqa: D102
        bias = None if self.bias is None else self.bias * self.bias_multiplier
        return F.conv2d(x, self.weight * self.weight_multiplier, bias)


@dataclass(frozen=True)
class LayerFactory:
    """Makes the layers of one network: its parameterization, width and biases."""

    parameterization: str
    width: int
    bias: bool = True
    bias_scale: float = 0.1

    def linear(self, in_features: int, out_features: int, *, readout: bool = False) -> nn.Linear:
        """A dense layer; plain `nn.Linear` under `standard`."""
        scale = self._scale(in_features, readout)
        if scale.init_std is None:
            return nn.Linear(in_features, out_features, bias=self.bias)
        return ScaledLinear(in_features, out_features, scale=scale, bias=self.bias)

    def conv2d(self, in_channels: int, out_channels: int, kernel_size: int) -> nn.Conv2d:
        """A valid convolution of stride 1; plain `nn.Conv2d` under `standard`."""
        scale = self._scale(in_channels * kernel_size**2, readout=False)
        if scale.init_std is None:
            return nn.Conv2d(in_channels, out_channels, kernel_size, bias=self.bias)
        return ScaledConv2d(in_channels, out_channels, kernel_size, scale=scale, bias=self.bias)

    def _scale(self, fan_in: int, readout: bool) -> LayerScale:
        return layer_scale(
            self.parameterization, fan_in=fan_in, width=self.width, readout=readout, bias_scale=self.bias_scale
        )


def parameter_scales(network: nn.Module) -> dict[str, LayerScale]:
    """The `LayerScale` of every parameter by its name; `STANDARD` for layers that carry none."""
    scales: dict[str, LayerScale] = {}
    for module_name, module in network.named_modules():
        scale = module.scale if isinstance(module, ScaledLinear | ScaledConv2d) else STANDARD
        for name, _ in module.named_parameters(recurse=False):
            scales[f"{module_name}.{name}" if module_name else name] = scale
    return scales


@torch.no_grad()
def _draw(layer: nn.Linear | nn.Conv2d, scale: LayerScale) -> None:
    # N(0, 1) first and scaled after, so that all parameterizations draw the same numbers from one seed.
    assert scale.init_std is not None
    layer.weight.normal_().mul_(scale.init_std)
    if layer.bias is not None:
        layer.bias.normal_()
