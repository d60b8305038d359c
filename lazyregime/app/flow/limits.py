"""The curves that finite widths tend to, and the distances between clouds of different widths."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.flow import build
from lazyregime.two_layer import (
    FrozenResidualFlow,
    Problem,
    RadialFlow,
    chi_cells,
    displacement,
    follow,
    particle_kernel,
    radial_two_gaussians,
    sliced_wasserstein,
)

REFERENCE_SEED = 1_000_003  # no seed of the ensemble


def limits(config: ConfigDict, problem: Problem, times: Sequence[float]) -> dict[str, Tensor]:
    """Mean-field: one large cloud, or the radial PDE; NTK: e^{-K_0 t} with the kernel of that cloud's start."""
    if config["target"]["name"] == "two_gaussians":
        return _radial(config, times)
    width = config["reference_width"]
    if width is None:
        return {}
    theta = build.build_particles(config, width, [config["init_seed"] + REFERENCE_SEED]).to(problem.x.device)
    found: dict[str, Tensor] = {}
    if config["scaling"]["mean_field"]:
        seen = follow(
            problem, theta, times, alpha=1.0, integrator=build.build_integrator(config),
            centred=config["init"]["centred"],
        )  # fmt: skip
        found |= {"limit/mean_field/risk": seen.risk[:, 0], "limit/mean_field/kernel_change": seen.kernel_change[:, 0]}
    starts_at_zero = config["init"]["paired"] or config["init"]["centred"]
    if config["scaling"]["ntk"] and starts_at_zero and problem.quadratic is None and problem.draw is None:
        kernel = particle_kernel(theta, problem.x, activation=problem.activation, trained=problem.trained)
        frozen = FrozenResidualFlow(kernel, problem.targets.reshape(1, -1))
        found["limit/ntk/risk"] = frozen.risk(theta.new_tensor(list(times)))[:, 0]
    return found


def distances(ends: Mapping[int, Tensor]) -> dict[str, Tensor]:
    """Between clouds at the last time, one value a seed.

    chaos_N     the rms distance of the N particles from the same particles in the widest cloud
    sliced_N    SW_2 between N particles and the next width's, of another seed
    """
    widest, found = max(ends), {}
    for width, following in zip(list(ends)[:-1], list(ends)[1:], strict=True):
        found[f"chaos_{width}"] = displacement(ends[widest][:, :width], ends[width])
        if len(ends[width]) > 1:
            others = ends[following].roll(1, 0)
            found[f"sliced_{width}"] = torch.tensor(
                [sliced_wasserstein(a, b) for a, b in zip(ends[width], others, strict=True)], dtype=torch.float64
            )
    return found


def _radial(config: ConfigDict, times: Sequence[float]) -> dict[str, Tensor]:
    """[MMN18]'s reduced PDE: risk at the recorded times, and the density of |w|."""
    d, std = config["in_features"], config["init"]["w_std"] / config["in_features"] ** 0.5
    line = RadialFlow(
        radial_two_gaussians(d, config["target"]["delta"], num_nodes=100), d, activation=config["activation"],
        r_max=config["r_max"], num_cells=config["num_cells"],
    )  # fmt: skip
    mass = line.run(chi_cells(line.edges, d, std), times)
    return {
        "limit/mean_field/risk": torch.tensor([line.risk(m) for m in mass], dtype=torch.float64),
        "limit/mean_field/mass": mass, "limit/mean_field/radii": line.centres, "limit/mean_field/edges": line.edges,
    }  # fmt: skip
