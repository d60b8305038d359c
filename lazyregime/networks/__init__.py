"""Floor 1: architectures, activations, parameterizations, centring and linearization; plain `nn.Module`s."""

from lazyregime.networks.activations import ACTIVATIONS, Activation, second_moment
from lazyregime.networks.centred import Centred
from lazyregime.networks.cnn import CNN
from lazyregime.networks.layers import LayerFactory, ScaledConv2d, ScaledLinear, parameter_scales
from lazyregime.networks.linearization import Linearized, frozen_copy
from lazyregime.networks.mlp import MLP
from lazyregime.networks.parameterization import PARAMETERIZATIONS, STANDARD, LayerScale, layer_scale
from lazyregime.networks.two_layer import TwoLayer

__all__ = [
    "ACTIVATIONS",
    "CNN",
    "MLP",
    "PARAMETERIZATIONS",
    "STANDARD",
    "Activation",
    "Centred",
    "LayerFactory",
    "LayerScale",
    "Linearized",
    "ScaledConv2d",
    "ScaledLinear",
    "TwoLayer",
    "frozen_copy",
    "layer_scale",
    "parameter_scales",
    "second_moment",
]
