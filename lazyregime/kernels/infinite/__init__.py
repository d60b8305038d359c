"""Kernels of infinitely wide networks."""

from lazyregime.kernels.infinite.cnn import InfiniteCNN
from lazyregime.kernels.infinite.counterpart import infinite_counterpart
from lazyregime.kernels.infinite.mlp import InfiniteMLP
from lazyregime.kernels.infinite.ntk import infinite_ntk

__all__ = ["InfiniteCNN", "InfiniteMLP", "infinite_counterpart", "infinite_ntk"]
