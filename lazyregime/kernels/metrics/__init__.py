"""Scalars and spectra of kernels: how far they moved, how they align with a task, what they predict."""

from lazyregime.kernels.metrics.alignment import centre, centred_alignment, cka, target_alignment, target_matrix
from lazyregime.kernels.metrics.change import kernel_angle, kernel_distance, kernel_velocity, relative_change
from lazyregime.kernels.metrics.eigenlearning import Eigenlearning, eigenlearning
from lazyregime.kernels.metrics.hermite import hermite_features, hermite_modes
from lazyregime.kernels.metrics.spectral import (
    cumulative_power,
    effective_rank,
    eigenprojections,
    participation_ratio,
    spectrum,
)

__all__ = [
    "Eigenlearning",
    "centre",
    "centred_alignment",
    "cka",
    "cumulative_power",
    "effective_rank",
    "eigenlearning",
    "eigenprojections",
    "hermite_features",
    "hermite_modes",
    "kernel_angle",
    "kernel_distance",
    "kernel_velocity",
    "participation_ratio",
    "relative_change",
    "spectrum",
    "target_alignment",
    "target_matrix",
]
