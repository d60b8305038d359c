"""Two-layer networks as particles, their residual flows and limits: the theory of [MMN18], [MMM19] and [RV18b]."""

from lazyregime.two_layer.activations import activation_names, evaluate, pointwise
from lazyregime.two_layer.field import ParticleField
from lazyregime.two_layer.follow import Followed, follow
from lazyregime.two_layer.free_energy import JKOStep, NoisyField, jko_step
from lazyregime.two_layer.identities import IDENTITIES, identities
from lazyregime.two_layer.integrators import AbstractIntegrator, DormandPrince, Euler, log_times
from lazyregime.two_layer.kernel import apply_kernel, kernel_change, particle_kernel
from lazyregime.two_layer.observables import density, displacement, marginals
from lazyregime.two_layer.particles import antisymmetric, gaussian_particles
from lazyregime.two_layer.problem import Problem
from lazyregime.two_layer.quadratic import QuadraticField, exponential_target
from lazyregime.two_layer.radial import chi_cells, radial_response, radial_two_gaussians
from lazyregime.two_layer.radial_pde import RadialFlow
from lazyregime.two_layer.residual import FrozenResidualFlow, residual_flow
from lazyregime.two_layer.samples import FreshField, draw_inputs, two_gaussians
from lazyregime.two_layer.targets import Target, make_target
from lazyregime.two_layer.wasserstein import line_wasserstein, sliced_wasserstein, wasserstein

__all__ = [
    "IDENTITIES",
    "AbstractIntegrator",
    "DormandPrince",
    "Euler",
    "Followed",
    "FreshField",
    "FrozenResidualFlow",
    "JKOStep",
    "NoisyField",
    "ParticleField",
    "Problem",
    "QuadraticField",
    "RadialFlow",
    "Target",
    "activation_names",
    "antisymmetric",
    "apply_kernel",
    "chi_cells",
    "density",
    "displacement",
    "draw_inputs",
    "evaluate",
    "exponential_target",
    "follow",
    "gaussian_particles",
    "identities",
    "jko_step",
    "kernel_change",
    "line_wasserstein",
    "log_times",
    "make_target",
    "marginals",
    "particle_kernel",
    "pointwise",
    "radial_response",
    "radial_two_gaussians",
    "residual_flow",
    "sliced_wasserstein",
    "two_gaussians",
    "wasserstein",
]
