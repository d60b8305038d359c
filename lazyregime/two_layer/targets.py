r"""f*(x): a single neuron, a teacher of m neurons, a polynomial of pure degree and unit norm.

neuron       sigma(<beta, x>)
teacher      (1/sqrt m) sum_i s_i sigma(<beta_i, x>), s_i = +-1 in turn, beta_i orthonormal if m <= d
hermite      He_k(<beta, x>) / sqrt(k!)              for x ~ N(0, I)
gegenbauer   sqrt(B(d, k)) P_k(<beta, x> / |x|)      for x uniform on a sphere
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data.gegenbauer import multiplicity, zonal
from lazyregime.data.sphere import hermite
from lazyregime.errors import LazyRegimeError
from lazyregime.two_layer.activations import evaluate

KINDS: tuple[str, ...] = ("neuron", "teacher", "hermite", "gegenbauer")


@final
@dataclass(frozen=True)
class Target:
    """A function of <beta_i, x>; the rows of `directions` have unit length."""

    directions: Float[Tensor, "m d"]
    function: Callable[[Tensor, Tensor], Tensor]  # (x, <beta_i, x>) -> f*

    def __call__(self, x: Float[Tensor, "*s n d"]) -> Float[Tensor, "*s n"]:
        """f*(x)."""
        return self.function(x, x @ self.directions.T)


def make_target(
    kind: str, d: int, *, seed: int = 0, activation: str = "tanh", num_neurons: int = 3, degree: int = 2
) -> Target:
    """A target by name, its directions drawn from `seed`.

    Raises:
        LazyRegimeError: If the kind is not known or a number is out of range.
    """
    if kind not in KINDS:
        raise LazyRegimeError(f"target={kind!r} is not known; choose one of {', '.join(KINDS)}.")
    if num_neurons < 1 or degree < 0:
        raise LazyRegimeError(f"num_neurons={num_neurons} and degree={degree}: give at least 1 and at least 0.")
    directions = _directions(num_neurons if kind == "teacher" else 1, d, seed)
    if kind in ("neuron", "teacher"):
        signs = torch.tensor([(-1.0) ** i for i in range(len(directions))], dtype=torch.float64)
        weights = signs / len(directions) ** 0.5
        return Target(directions, lambda _, z: evaluate(activation, z) @ weights.to(z))
    if kind == "hermite":
        return Target(directions, lambda _, z: hermite(z[..., 0], degree)[degree])
    norm = multiplicity(degree, d) ** 0.5
    return Target(directions, lambda x, z: norm * zonal(z[..., 0] / x.norm(dim=-1), degree, d)[degree])


def _directions(count: int, d: int, seed: int) -> Tensor:
    normal = torch.randn(count, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if count > d:
        return normal / normal.norm(dim=1, keepdim=True)
    return torch.linalg.qr(normal.T)[0].T
