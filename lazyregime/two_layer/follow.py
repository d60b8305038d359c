r"""One width followed in time: R(t), how far kernel and particles moved, and the distance from the frozen flow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast, final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.two_layer.integrators import AbstractIntegrator
from lazyregime.two_layer.kernel import kernel_change, particle_kernel
from lazyregime.two_layer.observables import displacement
from lazyregime.two_layer.problem import Problem
from lazyregime.two_layer.residual import FrozenResidualFlow


@final
@dataclass(frozen=True)
class Followed:
    """What was seen at the times t of the seeds s; outputs and the frozen flow are those on the problem's sample.

    Attributes:
        fluctuation: The rms over x of f_s(x) minus its mean over the seeds, times sqrt(S / (S - 1)).
        frozen_gap: ||u_t - exp(-K_0 t / n) u_0|| / ||u_0||.
        modes: <q_i, u_t> / sqrt(n) of seed 0 in the eigenvectors of its K_0, and `eigenvalues` those of K_0 / n.
        snapshots: The particles at chosen times.
    """

    alpha: float
    times: Float[Tensor, " t"]
    risk: Float[Tensor, "t s"]
    kernel_change: Float[Tensor, "t s"]
    displacement: Float[Tensor, "t s"]
    fluctuation: Float[Tensor, "t s"]
    frozen_risk: Float[Tensor, "t s"]
    frozen_gap: Float[Tensor, "t s"]
    eigenvalues: Float[Tensor, " n"]
    modes: Float[Tensor, "t n"]
    snapshots: Float[Tensor, "k s h p"]
    start: Float[Tensor, "s h p"]
    end: Float[Tensor, "s h p"]
    num_evaluations: int


def follow(
    problem: Problem,
    theta: Float[Tensor, "s h p"],
    times: Sequence[float],
    *,
    alpha: float,
    integrator: AbstractIntegrator,
    centred: bool = False,
    snapshots: Sequence[int] = (),
    tick: Callable[[float], None] | None = None,
) -> Followed:
    """Integrate the particles of every seed together, and watch them.

    Memory beyond a step's is one residual, kernel and snapshot a recorded time.

    Args:
        problem: What is learned.
        theta: The start.
        times: When they are watched.
        alpha: The output scale.
        integrator: How they are carried.
        centred: Subtract the output at the start.
        snapshots: Indices of the times at which the particles are kept.
        tick: Called with the time at each.
    """
    plain = problem.sample_field(alpha)
    field = problem.sample_field(alpha, plain.output(theta)) if centred else plain
    risk, kernel_0 = problem.risk(alpha), _kernel(problem, theta)
    residuals: list[Tensor] = []
    rows: list[tuple[Tensor, Tensor, Tensor]] = []
    kept: list[Tensor] = []

    def observe(t: float, state: Tensor) -> None:
        u = field.residual(state)
        change = kernel_change(kernel_0, _kernel(problem, state))
        rows.append((risk(state, u), change, displacement(theta, state)))
        if len(residuals) in snapshots:
            kept.append(state.clone())
        residuals.append(u)
        if tick is not None:
            tick(t)

    velocity = _Counted(problem.velocity(alpha, field))
    end = cast(Tensor, integrator.run(velocity, theta, times, observe))
    u, t = torch.stack(residuals), theta.new_tensor(list(times))
    frozen = FrozenResidualFlow(kernel_0, u[0])
    gap = (u - frozen.residual(t)).norm(dim=-1) / u[0].norm(dim=-1).clamp_min(1e-300)
    risks, changes, moved = (torch.stack(column) for column in zip(*rows, strict=True))
    return Followed(
        alpha, t, risks, changes, moved, _fluctuation(u), frozen.risk(t), gap, frozen.eigenvalues[0],
        u[:, 0] @ frozen.modes[0] / u.shape[-1] ** 0.5,
        torch.stack(kept) if kept else theta.new_empty(0, *theta.shape), theta, end, velocity.count,
    )  # fmt: skip


def _kernel(problem: Problem, theta: Tensor) -> Tensor:
    return particle_kernel(theta, problem.x, activation=problem.activation, trained=problem.trained)


def _fluctuation(u: Tensor) -> Tensor:
    """U and -f differ by what no seed changes, unless the start is centred seed by seed: then f - f_0 is meant."""
    num_seeds = u.shape[1]
    if num_seeds == 1:
        return u.new_full(u.shape[:2], float("nan"))
    apart = u - u.mean(1, keepdim=True)
    return apart.square().mean(-1).sqrt() * (num_seeds / (num_seeds - 1)) ** 0.5


class _Counted:
    def __init__(self, velocity: Callable[[Tensor], Tensor]) -> None:
        self.velocity, self.count = velocity, 0

    def __call__(self, theta: Tensor) -> Tensor:
        self.count += 1
        return self.velocity(theta)
