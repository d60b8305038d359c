"""Kernels of infinitely wide networks."""

from lazyregime.kernels.infinite.activation import dual_of
from lazyregime.kernels.infinite.cnn import InfiniteCNN
from lazyregime.kernels.infinite.counterpart import infinite_counterpart
from lazyregime.kernels.infinite.layers import AveragePool, Conv, Dense, LayerNorm, Pointwise, Residual
from lazyregime.kernels.infinite.mlp import InfiniteMLP
from lazyregime.kernels.infinite.network import InfiniteNetwork
from lazyregime.kernels.infinite.ntk import infinite_ntk

__all__ = [
    "AveragePool",
    "Conv",
    "Dense",
    "InfiniteCNN",
    "InfiniteMLP",
    "InfiniteNetwork",
    "LayerNorm",
    "Pointwise",
    "Residual",
    "dual_of",
    "infinite_counterpart",
    "infinite_ntk",
]
