r"""What must hold exactly at any alpha and N, measured seed by seed on a problem's sample.

function_dynamics   ||du/dt + (1/n) K_t u|| / ||(1/n) K_t u|| at time t, du/dt by central differences: O(dt^2)
dissipation         |dR/dt + 2 <u, K_t u> / n^2| / |2 <u, K_t u> / n^2|
closed_form         max_t ||u_t - Q e^{-Lambda t} Q^T u_0||_inf, u_t integrated with K_0 frozen
residual_dynamics   ||u_T - (f* - f_T)||_inf / ||u_0||_inf, u_t driven by the K_t of the particles alone
antisymmetric       ||f(., 0)||_inf / alpha of pairs (a, w), (-a, w)
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.two_layer.integrators import DormandPrince
from lazyregime.two_layer.kernel import particle_kernel
from lazyregime.two_layer.particles import antisymmetric
from lazyregime.two_layer.problem import Problem
from lazyregime.two_layer.residual import FrozenResidualFlow, residual_flow

IDENTITIES: tuple[str, ...] = (
    "function_dynamics", "dissipation", "closed_form", "residual_dynamics", "antisymmetric",
)  # fmt: skip
_FINE = DormandPrince(rtol=1e-9, atol=1e-11)


def identities(
    problem: Problem, theta: Float[Tensor, "s h p"], *, alpha: float, times: Sequence[float], dt: float = 1e-5
) -> dict[str, Float[Tensor, " s"]]:
    """The error of each, a seed; `times` are those at which the closed form is compared."""
    field = problem.sample_field(alpha)
    u_0, n = field.residual(theta), problem.x.shape[0]
    kernel_0 = particle_kernel(theta, problem.x, activation=problem.activation, trained=problem.trained)
    integrated: list[Tensor] = []
    _FINE.run(lambda u: -torch.einsum("snm,sm->sn", kernel_0, u) / n, u_0, times, lambda _, u: integrated.append(u))
    closed = FrozenResidualFlow(kernel_0, u_0).residual(theta.new_tensor(list(times)))
    moved, u = _FINE.run(residual_flow(field), (theta, u_0), [times[0], times[-1]], lambda *_: None)
    drift = (u - field.residual(moved)).abs().amax(1) / u_0.abs().amax(1)
    kernel = particle_kernel(moved, problem.x, activation=problem.activation, trained=problem.trained)
    u, v = field.residual(moved), field(moved)
    pulled = torch.einsum("snm,sm->sn", kernel, u) / n
    ahead, behind = (field.residual(moved + sign * dt * v) for sign in (1, -1))
    slope, lost = (ahead - behind) / (2 * dt), 2 * (u * pulled).mean(1)
    fall = (ahead.square().mean(1) - behind.square().mean(1)) / (2 * dt)
    return {
        "function_dynamics": (slope + pulled).norm(dim=1) / pulled.norm(dim=1),
        "dissipation": (fall + lost).abs() / lost,
        "closed_form": (torch.stack(integrated) - closed).abs().amax((0, 2)),
        "residual_dynamics": drift,
        "antisymmetric": field.output(antisymmetric(theta)).abs().amax(1) / alpha,
    }
