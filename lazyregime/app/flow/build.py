"""From the configuration of a flow to its problem, its particles, its integrator and its times; and what is refused."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lazyregime.app.compose.config import ConfigDict
from lazyregime.errors import LazyRegimeError
from lazyregime.two_layer import (
    AbstractIntegrator,
    DormandPrince,
    Euler,
    Problem,
    antisymmetric,
    draw_inputs,
    exponential_target,
    gaussian_particles,
    log_times,
    make_target,
    pointwise,
    two_gaussians,
)
from lazyregime.two_layer.field import TRAINED

_CPU = torch.device("cpu")
COUNTS = ("num_seeds", "in_features", "n_samples", "num_times", "num_cells")


def build_problem(config: ConfigDict, device: torch.device = _CPU) -> Problem:
    """The sample, the target, and where fresh data come from; drawn on the CPU, for the same on every device."""
    problem = _drawn_problem(config)
    draw = problem.draw
    quadratic = problem.quadratic
    return replace(
        problem,
        x=problem.x.to(device),
        targets=problem.targets.to(device),
        directions=None if problem.directions is None else problem.directions.to(device),
        quadratic=None if quadratic is None else (quadratic[0].to(device), quadratic[1]),
        draw=None if draw is None else lambda: _moved(draw(), device),
    )


def _moved(sample: tuple[Tensor, Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = sample
    return x.to(device), y.to(device)


def _drawn_problem(config: ConfigDict) -> Problem:
    target, d, n = config["target"], config["in_features"], config["n_samples"]
    draw = torch.Generator().manual_seed(config["data_seed"])
    common: dict[str, Any] = {"activation": config["activation"], "trained": config["trained"]}
    batch, stream = config["integrator"]["batch_size"], torch.Generator().manual_seed(config["data_seed"] + 1)
    if target["name"] == "two_gaussians":
        x, y = two_gaussians(n, d, target["delta"], draw)
        return Problem(x, y, **common, draw=lambda: _batches(two_gaussians(batch, d, target["delta"], stream)))
    x = draw_inputs(target["inputs"], n, d, draw)
    if target["name"] == "quadratic":
        gamma, constant = exponential_target(d, config["data_seed"])
        return Problem(x, ((x @ gamma) * x).sum(1) + constant, **common, quadratic=(gamma, constant))
    f = make_target(
        target["name"], d, seed=config["data_seed"], activation=config["activation"],
        num_neurons=_or(target["num_neurons"], 1), degree=_or(target["degree"], 2),
    )  # fmt: skip
    if batch is None:
        return Problem(x, f(x), **common, directions=f.directions)

    def fresh() -> tuple[Tensor, Tensor]:
        inputs = draw_inputs(target["inputs"], batch, d, stream)
        return inputs, f(inputs)

    return Problem(x, f(x), **common, directions=f.directions, draw=lambda: _batches(fresh()))


def build_particles(config: ConfigDict, width: int, seeds: list[int]) -> Tensor:
    """The start of each seed; the first N particles are the same at every width."""
    init, d = config["init"], config["in_features"]
    theta = gaussian_particles(
        width // 2 if init["paired"] else width, d, seeds,
        a_mean=init["a_mean"], a_std=init["a_std"], w_std=init["w_std"] / d**0.5,
    )  # fmt: skip
    return antisymmetric(theta) if init["paired"] else theta


def build_integrator(config: ConfigDict) -> AbstractIntegrator:
    """The integrator by name."""
    chosen = config["integrator"]
    if chosen["name"] == "adaptive":
        return DormandPrince(chosen["rtol"], chosen["atol"])
    return Euler(chosen["step"])


def build_times(config: ConfigDict) -> list[float]:
    """The recorded times."""
    return log_times(config["end_time"], config["num_times"], first=config["first_time"])


def check(config: ConfigDict) -> float:
    """Refuse what cannot be; the numbers that the widest cloud's preactivations need.

    Raises:
        LazyRegimeError: A sentence about the first thing that is wrong.
    """
    for key in COUNTS:
        if config[key] < 1:
            raise LazyRegimeError(f"{key}={config[key]} is not possible; it must be a whole number of at least 1.")
    _check_widths(config)
    if config["trained"] not in TRAINED:
        raise LazyRegimeError(f"trained={config['trained']!r} is not known; choose both, a or w.")
    if not any(config["scaling"].values()):
        raise LazyRegimeError("scaling has neither mean_field nor ntk; choose scaling=both, mean_field or ntk.")
    pointwise(config["activation"])
    build_times(config)
    _check_match(config)
    build_problem(config | {"n_samples": 2, "integrator": config["integrator"] | {"batch_size": None}})
    return float(max(config["widths"]) * config["num_seeds"] * config["n_samples"])


def _check_widths(config: ConfigDict) -> None:
    widths = config["widths"]
    if not widths or min(widths) < 1 or sorted(set(widths)) != widths:
        raise LazyRegimeError(f"widths={widths} is not possible; give widths that increase, such as [32,64,128].")
    odd = [w for w in (*widths, config["reference_width"] or 2) if w % 2]
    if config["init"]["paired"] and odd:
        raise LazyRegimeError(f"A paired start has an even number of particles, not {odd[0]}; change widths, or init.")


def _check_match(config: ConfigDict) -> None:
    """Settings that would be ignored are refused."""
    target, integrator = config["target"]["name"], config["integrator"]
    needed = {"adaptive": ("rtol", "atol"), "euler": ("step",), "sgd": ("step", "batch_size")}
    if integrator["name"] not in needed:
        raise LazyRegimeError(f"integrator.name={integrator['name']!r} is not known; choose {', '.join(needed)}.")
    for key in ("rtol", "atol", "step", "batch_size"):
        given, wanted = integrator[key], key in needed[integrator["name"]]
        if wanted and not (given is not None and given > 0):
            raise LazyRegimeError(f"integrator.{key}={given} is not possible; it must be positive.")
        if given is not None and not wanted:
            raise LazyRegimeError(f"integrator={integrator['name']} has no {key}; leave integrator.{key} out.")
    is_fresh = integrator["name"] == "sgd"
    if target == "two_gaussians" and not is_fresh:
        raise LazyRegimeError("target=two_gaussians is learned from fresh data; give integrator=sgd.")
    if (target == "quadratic") != (config["activation"] == "quadratic") or (target == "quadratic" and is_fresh):
        raise LazyRegimeError(
            "target=quadratic goes with activation=quadratic and an integrator without fresh data (its mean is exact)."
        )


def _batches(sample: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    x, y = sample
    return x, y[None]


def _or(given: int | None, ordinary: int) -> int:
    return ordinary if given is None else given
