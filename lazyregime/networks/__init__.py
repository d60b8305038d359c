"""Floor 1: architectures, activations, parameterizations, centring and linearization; plain `nn.Module`s."""

from lazyregime.networks.activations import ACTIVATIONS, Activation, second_moment
from lazyregime.networks.attention import SelfAttention
from lazyregime.networks.balanced import Balanced
from lazyregime.networks.centred import Centred
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.cnn import CNN
from lazyregime.networks.committee import Committee
from lazyregime.networks.factory import LayerFactory
from lazyregime.networks.layers import ScaledConv2d, ScaledLinear
from lazyregime.networks.linearization import Linearized, frozen_copy
from lazyregime.networks.mlp import MLP
from lazyregime.networks.parameterization import PARAMETERIZATIONS, UNKNOWN, LayerScale, layer_scale
from lazyregime.networks.resnet18 import ResNet18
from lazyregime.networks.scales import (
    check_scales,
    parameter_scales,
    parameterization_of,
    scale_of,
    why_unknown,
    width_of,
    with_scale,
)
from lazyregime.networks.transformer import Transformer
from lazyregime.networks.two_layer import TwoLayer
from lazyregime.networks.vgg11 import VGG11
from lazyregime.networks.vit import ViT

__all__ = [
    "ACTIVATIONS",
    "CNN",
    "MLP",
    "PARAMETERIZATIONS",
    "UNKNOWN",
    "VGG11",
    "AbstractChain",
    "Activation",
    "Balanced",
    "Centred",
    "Committee",
    "LayerFactory",
    "LayerScale",
    "Linearized",
    "ResNet18",
    "ScaledConv2d",
    "ScaledLinear",
    "SelfAttention",
    "Transformer",
    "TwoLayer",
    "ViT",
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
