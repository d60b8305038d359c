"""One network's layers, each drawn, multiplied and stepped as its parameterization says, and carrying that scale."""

from dataclasses import dataclass

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks.layers import ScaledConv2d, ScaledLinear
from lazyregime.networks.parameterization import LayerScale, layer_scale
from lazyregime.networks.scales import with_scale


@dataclass(frozen=True)
class LayerFactory:
    """Makes the layers of one network: its parameterization, width and biases.

    Attributes:
        parameterization: standard, ntk, mean_field or mup.
        width: N, by which the readout and the steps are scaled.
        bias: Whether linear layers and convolutions have biases.
        bias_scale: The factor of those N(0, 1) biases in all but `standard`.
        num_layers: Of a deep network, by which Adam's step is divided in all but `standard`.
    """

    parameterization: str
    width: int
    bias: bool = True
    bias_scale: float = 0.1
    num_layers: int = 1

    def linear(self, in_features: int, out_features: int, *, readout: bool = False) -> nn.Linear:
        """A dense layer; plain `nn.Linear` under `standard`. The last layer of a network is its readout."""
        scale = self.scale(in_features, readout=readout)
        if scale.init_std is None:
            return with_scale(nn.Linear(in_features, out_features, bias=self.bias), scale)
        return ScaledLinear(in_features, out_features, scale=scale, bias=self.bias)

    def conv2d(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
    ) -> nn.Conv2d:
        """A convolution, valid and of stride 1 unless said otherwise; plain `nn.Conv2d` under `standard`.

        Raises:
            LazyRegimeError: If the channels are not divisible by the groups.
        """
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise LazyRegimeError(f"{name}={channels} is not divisible by groups={groups}; choose another.")
        scale = self.scale(in_channels // groups * kernel_size**2)
        if scale.init_std is None:
            plain = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=self.bias)
            return with_scale(plain, scale)
        return ScaledConv2d(
            in_channels, out_channels, kernel_size,
            scale=scale, stride=stride, padding=padding, groups=groups, bias=self.bias,
        )  # fmt: skip

    def group_norm(self, num_groups: int, channels: int) -> nn.GroupNorm:
        """Normalizes groups of channels over all pixels; gain 1 and bias 0 at first.

        Raises:
            LazyRegimeError: If the channels are not divisible by the groups.
        """
        if channels % num_groups:
            raise LazyRegimeError(
                f"{channels} channels are not divisible by {num_groups} groups; choose another width."
            )
        return with_scale(nn.GroupNorm(num_groups, channels), self._of_one_input())

    def layer_norm(self, features: int) -> nn.LayerNorm:
        """Normalizes the last dimension; gain 1 and bias 0 at first."""
        return with_scale(nn.LayerNorm(features), self._of_one_input())

    def batch_norm2d(self, channels: int) -> nn.BatchNorm2d:
        """For use in eval mode: x -> gain (x - mean)/std + bias with the statistics it holds, 0 and 1 at first."""
        return with_scale(nn.BatchNorm2d(channels), self._of_one_input())

    def embedding(self, num_tokens: int, features: int) -> nn.Embedding:
        """A table of N(0, 1) rows."""
        return with_scale(nn.Embedding(num_tokens, features), self._of_one_input())

    def scale(self, fan_in: int, *, readout: bool = False) -> LayerScale:
        """Of a layer whose units sum over `fan_in` inputs, for `with_scale` where the layer is your own."""
        return self._scale(fan_in, readout=readout, bias_scale=self.bias_scale)

    def _of_one_input(self) -> LayerScale:
        # A gain or a row of a table is a weight of fan_in 1, and so is a norm's bias, which has no multiplier.
        return self._scale(1, readout=False, bias_scale=1.0)

    def _scale(self, fan_in: int, *, readout: bool, bias_scale: float) -> LayerScale:
        return layer_scale(
            self.parameterization,
            fan_in=fan_in,
            width=self.width,
            readout=readout,
            bias_scale=bias_scale,
            num_layers=self.num_layers,
        )
