"""Kernel machines in closed form: random and tangent features, exact kernels, polynomials; fit and predict."""

from lazyregime.machines.features import AbstractFeatures
from lazyregime.machines.machine import KernelMachine
from lazyregime.machines.polynomial import PolynomialFeatures, PolynomialKernel
from lazyregime.machines.random_features import RandomFeatures
from lazyregime.machines.spectrum import Spectrum, SphereKernel
from lazyregime.machines.sums import SumOfFeatures, two_layer_features
from lazyregime.machines.tangent_features import TangentFeatures
from lazyregime.machines.two_layer import TwoLayerKernel

__all__ = [
    "AbstractFeatures",
    "KernelMachine",
    "PolynomialFeatures",
    "PolynomialKernel",
    "RandomFeatures",
    "Spectrum",
    "SphereKernel",
    "SumOfFeatures",
    "TangentFeatures",
    "TwoLayerKernel",
    "two_layer_features",
]
