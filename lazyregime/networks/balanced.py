"""f(x) = sum_j (b a_j) sigma(<w_j / b, x>): two layers that say the same at any balance b, and learn it differently.

For relu and linear units f at initialization does not depend on b, and its tangent kernel is b^2 K_w + K_a / b^2: with
b > 1 the first layer learns faster (upstream), with b < 1 the readout (downstream) (Kunin et al. 2406.06158).
"""

from typing import final

import torch
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks._check import check_sizes
from lazyregime.networks.activations import Activation
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.factory import LayerFactory

ACTIVATIONS = ("relu", "linear")


@final
class Balanced(AbstractChain):
    """One hidden layer without biases, the scale of whose two layers is moved from one to the other.

    Args:
        width: N, hidden units.
        in_features: d, inputs after flattening.
        n_outputs: k.
        activation: relu or linear, the ones that are homogeneous.
        parameterization: standard, ntk, mean_field or mup.
        balance: b, by which the readout's initial weights are multiplied, and the first layer's divided.

    Raises:
        LazyRegimeError: If a size is not a positive whole number, the activation is another or b is not positive.
    """

    def __init__(
        self,
        width: int = 1024,
        *,
        in_features: int = 784,
        n_outputs: int = 10,
        activation: str = "relu",
        parameterization: str = "ntk",
        balance: float = 1.0,
    ) -> None:
        super().__init__()
        check_sizes(width=width, in_features=in_features, n_outputs=n_outputs)
        if activation not in ACTIVATIONS:
            raise LazyRegimeError(f"activation={activation!r} is not homogeneous; choose one of relu, linear.")
        if not 0 < balance < float("inf"):
            raise LazyRegimeError(f"balance={balance} is not possible; it must be positive and finite.")
        make = LayerFactory(parameterization, width, bias=False)
        self.width = width
        first, readout = make.linear(in_features, width), make.linear(width, n_outputs, readout=True)
        with torch.no_grad():
            first.weight.div_(balance)
            readout.weight.mul_(balance)
        between = [Activation("relu")] if activation == "relu" else []
        self.layers = nn.Sequential(nn.Flatten(), first, *between, readout)
