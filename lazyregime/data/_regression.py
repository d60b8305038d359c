"""A regression problem in memory: inputs, floating targets, and what is known of the target function."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError


@final
@dataclass(frozen=True, eq=False)
class RegressionData:
    """Samples of a target function: training targets may carry noise, test targets never do.

    Attributes:
        name: The name a configuration uses.
        train_labels: f(x) plus noise.
        validation_labels: Likewise; may have no rows.
        test_labels: f(x).
        powers: ||P_k f||^2 of the target's part of degree k = 0, 1, ..; the last is that of all higher degrees.
        noise_std: Of the training and validation targets.
        direction: The beta of a target that depends on <beta, x> alone; None of others.
    """

    name: str
    train_inputs: Float[Tensor, "n d"]
    train_labels: Float[Tensor, "n k"]
    validation_inputs: Float[Tensor, "v d"]
    validation_labels: Float[Tensor, "v k"]
    test_inputs: Float[Tensor, "m d"]
    test_labels: Float[Tensor, "m k"]
    n_outputs: int
    powers: tuple[float, ...]
    noise_std: float
    direction: Float[Tensor, " d"] | None = None

    def power_above(self, degree: int) -> float:
        """||P_{>l} f||^2: what a fit of the degrees up to l leaves."""
        return sum(self.powers[degree + 1 :])


def generators(data_seed: int) -> dict[str, torch.Generator]:
    """An independent stream for each thing that is drawn, so that more of one leaves the others as they are.

    Raises:
        LazyRegimeError: If the seed is negative or too large.
    """
    if not 0 <= data_seed < 2**40:
        raise LazyRegimeError(f"data_seed is {data_seed}; give a whole number from 0 to {2**40 - 1}.")
    streams = ("target", "train", "validation", "test", "noise", "validation noise")
    return {name: torch.Generator().manual_seed(data_seed * 1009 + i) for i, name in enumerate(streams)}


def check_counts(**counts: int) -> None:
    """Refuses counts that cannot be.

    Raises:
        LazyRegimeError: Naming the first.
    """
    for name, value in counts.items():
        least = 0 if name == "n_validation" else 1
        if value < least:
            raise LazyRegimeError(f"{name} is {value}; give at least {least}.")


def normals(n: int, d: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """(n, d) standard normal numbers in float64."""
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def on_sphere(n: int, d: int, radius: float, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Points uniform on the sphere of R^d with this radius, in float64."""
    z = normals(n, d, generator)
    return radius * z / z.norm(dim=1, keepdim=True)
