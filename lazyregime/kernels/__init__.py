"""Kernels of neural networks: empirical and infinite-width, the regression with them, and their metrics."""

from lazyregime.kernels.metrics import (
    Eigenlearning,
    centre,
    centred_alignment,
    cka,
    cumulative_power,
    effective_rank,
    eigenlearning,
    eigenprojections,
    kernel_distance,
    kernel_velocity,
    participation_ratio,
    relative_change,
    spectrum,
    target_alignment,
)
from lazyregime.kernels.protocol import accuracy
from lazyregime.kernels.regression import KernelRegression
from lazyregime.kernels.solve import SolveReport

__all__ = [
    "Eigenlearning",
    "KernelRegression",
    "SolveReport",
    "accuracy",
    "centre",
    "centred_alignment",
    "cka",
    "cumulative_power",
    "effective_rank",
    "eigenlearning",
    "eigenprojections",
    "kernel_distance",
    "kernel_velocity",
    "participation_ratio",
    "relative_change",
    "spectrum",
    "target_alignment",
]
