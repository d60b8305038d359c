"""Which infinitely wide network a finite `MLP`, `TwoLayer` or `CNN` tends to."""

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite.cnn import InfiniteCNN
from lazyregime.kernels.infinite.mlp import InfiniteMLP
from lazyregime.networks import CNN, MLP, TwoLayer
from lazyregime.networks.activations import Activation
from lazyregime.networks.layers import ScaledConv2d, ScaledLinear


def infinite_counterpart(network: nn.Module) -> InfiniteMLP | InfiniteCNN:
    """The infinite-width kernel with the depth, activation, biases and parameterization of a finite network.

    PyTorch draws the weights of `standard` networks uniformly. The hidden layers do not feel it, but the first layer's
    preactivations are Gaussian only for many inputs, so for few the limit is that of normal weights of equal variance.

    Raises:
        LazyRegimeError: For other architectures, and for the mean_field and mup parameterizations, whose kernel moves
            at any width.
    """
    if not isinstance(network, MLP | TwoLayer | CNN):
        raise LazyRegimeError(
            f"The infinite-width kernel of a {type(network).__name__} is not known here, only that of MLP, TwoLayer "
            "and CNN; use the network's own kernel, empirical_ntk(network, x)."
        )
    layers = list(network.layers)
    affine = [layer for layer in layers if isinstance(layer, nn.Linear | nn.Conv2d)]
    activations = [layer for layer in layers if isinstance(layer, Activation)]
    first, readout = affine[0], affine[-1]
    bias_variance = None
    if isinstance(first, ScaledLinear | ScaledConv2d) and isinstance(readout, ScaledLinear):
        scale = readout.scale
        if scale.init_std != 1.0 or abs(scale.multiplier * readout.in_features**0.5 - 1) > 1e-9:
            raise LazyRegimeError(
                "Only networks in the ntk or standard parameterization tend to a fixed infinite-width kernel; "
                'build this one with parameterization="ntk".'
            )
        bias_variance = first.bias_multiplier**2
    if not activations:
        raise LazyRegimeError("The network has no activation, so it is linear in x; use the linear kernel.")
    activation, factor = activations[0].name, activations[0].factor
    bias, standard = first.bias is not None, bias_variance is None
    parameterization = "standard" if standard else "ntk"
    if isinstance(network, MLP | TwoLayer):
        return InfiniteMLP(
            depth=len(affine) - 1,
            activation=activation,
            normalize_activation=factor != 1.0,
            parameterization=parameterization,
            width=network.width,
            bias_variance=bias_variance,
            bias=bias,
        )
    return InfiniteCNN(
        depth=len(affine) - 1,
        kernel_size=3,
        last_activation=len(activations) == len(affine) - 1,
        activation=activation,
        normalize_activation=factor != 1.0,
        parameterization=parameterization,
        width=network.width,
        bias_variance=bias_variance,
        bias=bias,
    )
