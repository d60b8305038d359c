"""Floor 2: two-layer dynamics and their limits; gradient flow as an optimizer and as ensembles trained together."""

from lazyregime.flows.activations import activation_names, evaluate, pointwise
from lazyregime.flows.field import ParticleField
from lazyregime.flows.follow import Followed, follow
from lazyregime.flows.free_energy import JKOStep, NoisyField, jko_step
from lazyregime.flows.gradient_flow import Flow, FlowProblem, FlowSettings, GradientFlow
from lazyregime.flows.identities import IDENTITIES, identities
from lazyregime.flows.integrators import AbstractIntegrator, DormandPrince, Euler, log_times
from lazyregime.flows.kernel import apply_kernel, kernel_change, particle_kernel
from lazyregime.flows.observables import density, displacement, marginals
from lazyregime.flows.particles import antisymmetric, gaussian_particles
from lazyregime.flows.problem import Problem
from lazyregime.flows.quadratic import QuadraticField, exponential_target
from lazyregime.flows.radial import chi_cells, radial_response, radial_two_gaussians
from lazyregime.flows.radial_pde import RadialFlow
from lazyregime.flows.residual import FrozenResidualFlow, residual_flow
from lazyregime.flows.samples import FreshField, draw_inputs, two_gaussians
from lazyregime.flows.targets import Target, make_target
from lazyregime.flows.wasserstein import line_wasserstein, sliced_wasserstein, wasserstein

__all__ = [
    "IDENTITIES",
    "AbstractIntegrator",
    "DormandPrince",
    "Euler",
    "Flow",
    "FlowProblem",
    "FlowSettings",
    "Followed",
    "FreshField",
    "FrozenResidualFlow",
    "GradientFlow",
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
