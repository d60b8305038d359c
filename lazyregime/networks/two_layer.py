"""f(x) = sum_j a_j sigma(<w_j, x>), scaled by 1/sqrt(N) (ntk) or 1/N (mean_field): as in [MMN18], [GMMM19]."""

from typing import final

from torch import nn

from lazyregime.networks._check import check_sizes
from lazyregime.networks.activations import Activation
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.factory import LayerFactory


@final
class TwoLayer(AbstractChain):
    """One hidden layer of `width` units without biases, as the survey's theory has it.

    Args:
        width: N, hidden units.
        in_features: d, inputs after flattening.
        n_outputs: k.
        activation: One of `lazyregime.networks.ACTIVATIONS`.
        normalize_activation: Scale the activation to unit second moment under N(0, 1).
        parameterization: standard, ntk, mean_field or mup.
        bias: Whether both layers have biases.
        bias_scale: The factor of the N(0, 1) biases in all but `standard`.

    Raises:
        LazyRegimeError: If a size is not a positive whole number or a name is not known.
    """

    def __init__(
        self,
        width: int = 1024,
        *,
        in_features: int = 784,
        n_outputs: int = 10,
        activation: str = "relu",
        normalize_activation: bool = False,
        parameterization: str = "standard",
        bias: bool = False,
        bias_scale: float = 0.1,
    ) -> None:
        super().__init__()
        check_sizes(width=width, in_features=in_features, n_outputs=n_outputs)
        make = LayerFactory(parameterization, width, bias, bias_scale)
        self.width = width
        self.layers = nn.Sequential(
            nn.Flatten(),
            make.linear(in_features, width),
            Activation(activation, normalize=normalize_activation),
            make.linear(width, n_outputs, readout=True),
        )
