"""Kernels of neural networks: empirical and infinite-width, the regression with them, and their metrics."""

from lazyregime.kernels.empirical import (
    LayerCall,
    Lookup,
    NotInProgress,
    Outer,
    Rows,
    empirical_ntk,
    empirical_ntk_axes,
    empirical_ntk_blocks,
    empirical_ntk_layers,
    explain,
    register_rule,
)
from lazyregime.kernels.ensemble import Gaussian, InfiniteEnsemble
from lazyregime.kernels.finite_time import FrozenFlow
from lazyregime.kernels.infinite import (
    InfiniteCNN,
    InfiniteMLP,
    InfiniteNetwork,
    infinite_counterpart,
    infinite_ntk,
)
from lazyregime.kernels.inputs import empirical_ntk_of_inputs
from lazyregime.kernels.kernel import AbstractKernel
from lazyregime.kernels.matrix_free import NTKOperator, ntk_operator
from lazyregime.kernels.metrics import (
    Eigenlearning,
    centre,
    centred_alignment,
    cka,
    cumulative_power,
    effective_rank,
    eigenlearning,
    eigenprojections,
    hermite_features,
    hermite_modes,
    kernel_angle,
    kernel_distance,
    kernel_velocity,
    participation_ratio,
    relative_change,
    spectrum,
    target_alignment,
    target_matrix,
)
from lazyregime.kernels.protocol import accuracy
from lazyregime.kernels.regression import KernelRegression
from lazyregime.kernels.sketched import SketchedNTK, sketched_ntk
from lazyregime.kernels.tangent import EmpiricalKernel
from lazyregime.solve import SolveReport

__all__ = [
    "AbstractKernel",
    "Eigenlearning",
    "EmpiricalKernel",
    "FrozenFlow",
    "Gaussian",
    "InfiniteCNN",
    "InfiniteEnsemble",
    "InfiniteMLP",
    "InfiniteNetwork",
    "KernelRegression",
    "LayerCall",
    "Lookup",
    "NTKOperator",
    "NotInProgress",
    "Outer",
    "Rows",
    "SketchedNTK",
    "SolveReport",
    "accuracy",
    "centre",
    "centred_alignment",
    "cka",
    "cumulative_power",
    "effective_rank",
    "eigenlearning",
    "eigenprojections",
    "empirical_ntk",
    "empirical_ntk_axes",
    "empirical_ntk_blocks",
    "empirical_ntk_layers",
    "empirical_ntk_of_inputs",
    "explain",
    "hermite_features",
    "hermite_modes",
    "infinite_counterpart",
    "infinite_ntk",
    "kernel_angle",
    "kernel_distance",
    "kernel_velocity",
    "ntk_operator",
    "participation_ratio",
    "register_rule",
    "relative_change",
    "sketched_ntk",
    "spectrum",
    "target_alignment",
    "target_matrix",
]
