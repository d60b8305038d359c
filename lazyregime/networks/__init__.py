"""Floor 1: architectures, activations, parameterizations, centring and linearization; plain `nn.Module`s."""

from lazyregime.networks.activations import ACTIVATIONS, Activation, second_moment
from lazyregime.networks.centred import Centred
from lazyregime.networks.cnn import CNN
from lazyregime.networks.factory import LayerFactory
from lazyregime.networks.layers import ScaledConv2d, ScaledLinear
from lazyregime.networks.linearization import Linearized, frozen_copy
from lazyregime.networks.mlp import MLP
from lazyregime.networks.parameterization import PARAMETERIZATIONS, UNKNOWN, LayerScale, layer_scale
from lazyregime.networks.scales import (
    check_scales,
    parameter_scales,
    parameterization_of,
    scale_of,
    why_unknown,
    width_of,
    with_scale,
)
from lazyregime.networks.two_layer import TwoLayer

__all__ = [
    "ACTIVATIONS",
    "CNN",
    "MLP",
    "PARAMETERIZATIONS",
    "UNKNOWN",
    "Activation",
    "Centred",
    "LayerFactory",
    "LayerScale",
    "Linearized",
    "ScaledConv2d",
    "ScaledLinear",
    "TwoLayer",
    "check_scales",
    "frozen_copy",
    "layer_scale",
    "parameter_scales",
    "parameterization_of",
    "scale_of",
    "second_moment",
    "why_unknown",
    "width_of",
    "with_scale",
]
