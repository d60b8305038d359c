r"""x ~ N(0, I_d), or uniform on the sphere of radius sqrt(d), or [MMN18]'s two Gaussians; once, or afresh each step.

two_gaussians   y = +-1 with equal probability, x | y ~ N(0, (1 + y delta)^2 I_d)
"""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.two_layer.field import ParticleField

Draw = Callable[[], tuple[Tensor, Tensor]]
INPUTS: tuple[str, ...] = ("gaussian", "sphere")


def draw_inputs(kind: str, n: int, d: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Inputs with E|x|^2 = d.

    Raises:
        LazyRegimeError: If the kind is not known or a size is below 1.
    """
    if kind not in INPUTS:
        raise LazyRegimeError(f"inputs={kind!r} is not known; choose one of {', '.join(INPUTS)}.")
    if n < 1 or d < 1:
        raise LazyRegimeError(f"n_samples={n} and in_features={d} must be at least 1.")
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return x * (d**0.5 / x.norm(dim=1, keepdim=True)) if kind == "sphere" else x


def two_gaussians(
    n: int, d: int, delta: float, generator: torch.Generator
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    """Half of the samples of each sign; [MMN18] has delta = 0.8, d = 40 and 320.

    Raises:
        LazyRegimeError: Unless 0 < delta < 1.
    """
    if not 0 < delta < 1:
        raise LazyRegimeError(f"delta={delta} is not possible; it must lie between 0 and 1.")
    y = torch.ones(n, dtype=torch.float64)
    y[1::2] = -1
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return x * (1 + delta * y)[:, None], y


@final
class FreshField:
    """A particle field that draws its sample anew at each call: with Euler's steps, one-pass SGD."""

    def __init__(self, field: ParticleField, draw: Draw) -> None:
        self.field, self.draw = field, draw

    def __call__(self, theta: Float[Tensor, "s h p"]) -> Float[Tensor, "s h p"]:
        """The velocity on samples that were never seen."""
        self.field.see(*self.draw())
        return self.field(theta)
