r"""x = U z_0 + U_perp z_1 with z_0 on a sphere of radius r sqrt(d_0), z_1 of sqrt(d - d_0); y = phi(z_0) [GMMM20].

phi is a sum of terms sum_i b_i x_i x_{i+1} .. x_{i+m-1} for m = 2, 3, 4, each of unit variance, with b_i ~ Exp(1).
Square-free monomials are harmonic, so the term of degree m is exactly the part of degree m of phi. U is the first d_0
axes: no machine here, and no network with rotation-invariant weights, can tell them from others.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.data._regression import Samples, check_samples, generators, normals, on_sphere, regression_data
from lazyregime.data.arguments import checked_by, number, powers_of_degrees, whole

_MOST_POWERS = 65


def _check(*, dimension: Any, signal_dimension: Any, kappa: Any, target_powers: Any, **given: Any) -> None:
    check_samples(**given)
    powers_of_degrees("target_powers", target_powers, _MOST_POWERS)
    whole("dimension", dimension, 3)
    # the target's terms of the highest degree need as many directions
    whole("signal_dimension", signal_dimension, max(2, len(target_powers) - 1), dimension - 1)
    number("kappa", kappa)


@checked_by(_check)
def spiked(
    *,
    dimension: int = 1024,
    signal_dimension: int = 16,
    kappa: float = 0.0,
    target_powers: Sequence[float] = (0.0, 0.0, 1.0, 1.0, 1.0),
    noise_std: float = 0.0,
    n_train: int = 1000,
    n_validation: int = 0,
    n_test: int = 2000,
    data_seed: int = 0,
) -> ClassificationData:
    """Samples with a signal in few directions that are r = d^(kappa/2) times as large as the others.

    Args:
        dimension: d.
        signal_dimension: d_0.
        kappa: The exponent of r^2; 0 is isotropic.
        target_powers: The squared norm of the target's part of degree 0, 1, ..
        noise_std: Of Gaussian noise on the training and validation targets.
        n_train: Training samples.
        n_validation: Held-out samples.
        n_test: Test samples, without noise.
        data_seed: Draws everything; more samples leave those before as they are.

    Raises:
        LazyRegimeError: For a number out of range.
    """
    draw = generators(data_seed)
    terms = _draw_terms(signal_dimension, target_powers, draw["target"])
    r = dimension ** (kappa / 2)

    def split(stream: str, n: int, noise: str | None) -> Samples:
        d0, d1 = signal_dimension, dimension - signal_dimension
        z0 = on_sphere(n, d0, math.sqrt(d0), draw[stream])
        z1 = on_sphere(n, d1, math.sqrt(d1), draw[stream])
        y = chains(z0, terms)[:, None]
        x = torch.cat([r * z0, z1], 1)
        return x, y if noise is None else y + noise_std * normals(n, 1, draw[noise])

    return regression_data(
        "spiked",
        split("train", n_train, "noise"),
        split("validation", n_validation, "validation noise"),
        split("test", n_test, None),
    )


def chains(z: Float[Tensor, "n d"], terms: Sequence[Tensor]) -> Float[Tensor, " n"]:
    """sum_m sum_i b_{m,i} z_i .. z_{i+m-1}; a term without coefficients is absent."""
    total = z.new_zeros(len(z))
    for degree, b in enumerate(terms):
        if len(b):
            total += z.unfold(1, degree, 1).prod(2) @ b if degree else b[0]
    return total


def effective_dimension(dimension: int, signal_dimension: int, kappa: float) -> float:
    """d_eff = max(d_0, d / r^2): kernels fit degree l from about d_eff^l samples on [GMMM20]."""
    return max(float(signal_dimension), dimension ** (1 - kappa))


def _draw_terms(d0: int, squares: Sequence[float], generator: torch.Generator) -> list[Tensor]:
    terms: list[Tensor] = []
    for degree, p in enumerate(squares):
        count = 1 if degree == 0 else d0 - degree + 1
        b = torch.empty(count, dtype=torch.float64).exponential_(generator=generator)
        second = math.prod(d0 / (d0 + 2 * j) for j in range(degree))  # E[z_1^2 .. z_m^2] on the sphere
        terms.append(b * math.sqrt(p / (second * float(b.square().sum()))) if p else b[:0])
    return terms
