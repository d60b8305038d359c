"""f(x) = W_L sigma(... sigma(W_1 x + b_1) ...) + b_L: the fully connected network of the survey."""

from typing import final

from torch import nn

from lazyregime.networks._check import check_sizes
from lazyregime.networks.activations import Activation
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.factory import LayerFactory


@final
class MLP(AbstractChain):
    """`depth` hidden layers of `width` units on flattened inputs; the defaults are the poster's on MNIST (science 6.1).

    Args:
        width: N, hidden units a layer.
        depth: Hidden layers.
        in_features: d, inputs after flattening.
        n_outputs: k.
        activation: One of `lazyregime.networks.ACTIVATIONS`.
        normalize_activation: Scale the activation to unit second moment under N(0, 1).
        parameterization: standard, ntk, mean_field or mup.
        bias: Whether layers have biases.
        bias_scale: The factor of the N(0, 1) biases in all but `standard`.

    Raises:
        LazyRegimeError: If a size is not a positive whole number or a name is not known.
    """

    def __init__(
        self,
        width: int = 1024,
        *,
        depth: int = 3,
        in_features: int = 784,
        n_outputs: int = 10,
        activation: str = "relu",
        normalize_activation: bool = False,
        parameterization: str = "standard",
        bias: bool = True,
        bias_scale: float = 0.1,
    ) -> None:
        super().__init__()
        check_sizes(width=width, depth=depth, in_features=in_features, n_outputs=n_outputs)
        make = LayerFactory(parameterization, width, bias, bias_scale)
        layers: list[nn.Module] = [nn.Flatten()]
        for fan_in in [in_features] + [width] * (depth - 1):
            layers += [make.linear(fan_in, width), Activation(activation, normalize=normalize_activation)]
        self.width = width
        self.layers = nn.Sequential(*layers, make.linear(width, n_outputs, readout=True))
