"""What the synthetic data sets share: streams of random numbers, points on spheres, real targets."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.data.arguments import number, whole

_MOST_SEED = 2**40 - 1
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
    whole("data_seed", data_seed, 0, _MOST_SEED)
    streams = ("target", "train", "validation", "test", "noise", "validation noise")
    return {name: torch.Generator().manual_seed(data_seed * 1009 + i) for i, name in enumerate(streams)}


def check_samples(*, n_train: Any, n_validation: Any, n_test: Any, noise_std: Any, data_seed: Any) -> None:
    """Refuse what no synthetic data can have.

    Raises:
        LazyRegimeError: Naming the first.
    """
    whole("n_train", n_train, 1)
    whole("n_validation", n_validation, 0)
    whole("n_test", n_test, 1)
    number("noise_std", noise_std, 0)
    whole("data_seed", data_seed, 0, _MOST_SEED)


def normals(n: int, d: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """(n, d) standard normal numbers in float64."""
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def on_sphere(n: int, d: int, radius: float, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Points uniform on the sphere of R^d with this radius, in float64."""
    z = normals(n, d, generator)
    return radius * z / z.norm(dim=1, keepdim=True)
