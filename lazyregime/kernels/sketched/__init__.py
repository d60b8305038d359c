"""The empirical tangent kernel from random projections of gradients, with an error bar for each entry."""

from lazyregime.kernels.sketched.estimate import SketchedNTK, sketched_ntk

__all__ = ["SketchedNTK", "sketched_ntk"]
