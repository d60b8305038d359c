r"""Wasserstein-2 distances between clouds of particles, by the library POT (Flamary et al. 2021).

The sliced distance averages the squared distance of one-dimensional projections. Between independent samples of N
points it falls like N^{-1/2}, whatever the dimension; the distance itself falls only like N^{-1/D}.
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor

NUM_PROJECTIONS = 200


def sliced_wasserstein(
    first: Float[Tensor, "h p"], second: Float[Tensor, "k p"], *, num_projections: int = NUM_PROJECTIONS, seed: int = 0
) -> float:
    """SW_2 of two clouds, with the same projections whenever the seed is."""
    import ot  # here and below: it takes a second to import, and few need it

    return _number(ot.sliced_wasserstein_distance(first, second, n_projections=num_projections, seed=seed))


def wasserstein(first: Float[Tensor, "h p"], second: Float[Tensor, "k p"]) -> float:
    """W_2 of two clouds by the exact assignment; time grows like the cube of their size."""
    import ot

    cost = ot.dist(first, second)
    return _number(ot.emd2(ot.unif(len(first), type_as=first), ot.unif(len(second), type_as=second), cost)) ** 0.5


def line_wasserstein(first: Float[Tensor, " h"], second: Float[Tensor, " h"]) -> Float[Tensor, ""]:
    """W_2 of two equally large samples on a line: that of their order statistics."""
    return (first.sort().values - second.sort().values).square().mean().sqrt()


def _number(result: Any) -> float:  # POT's functions return other things too, when asked
    return float(result)
