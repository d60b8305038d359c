"""What the synthetic data sets share: streams of random numbers, points on spheres, real targets."""

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.errors import LazyRegimeError

Samples = tuple[Tensor, Tensor]  # inputs (n, d), targets (n, 1)


def regression_data(name: str, train: Samples, validation: Samples, test: Samples) -> ClassificationData:
    """Inputs with real targets (n, 1); test targets carry no noise."""
    return ClassificationData(
        name=name,
        train_inputs=train[0], train_labels=train[1],
        validation_inputs=validation[0], validation_labels=validation[1],
        test_inputs=test[0], test_labels=test[1],
        n_outputs=1, mean=0.0, std=None,
    )  # fmt: skip


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
