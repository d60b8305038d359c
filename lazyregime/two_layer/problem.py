r"""What is learned and how it is watched: a velocity for each alpha, and where risk, outputs and kernels are measured.

sample       the flow of E over a fixed sample, which is also where it is watched
stream       SGD on fresh samples, watched on a sample held out
population   a quadratic network under its exact mean, watched on a sample, its risk exact
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor

from lazyregime.two_layer.field import ParticleField
from lazyregime.two_layer.integrators import Velocity
from lazyregime.two_layer.quadratic import QuadraticField
from lazyregime.two_layer.samples import Draw, FreshField


@final
@dataclass(frozen=True)
class Problem:
    """A two-layer problem; `directions` are those of the teacher, where there is one."""

    x: Float[Tensor, "n d"]
    targets: Float[Tensor, "*s n"]
    activation: str
    trained: str = "both"
    directions: Float[Tensor, "m d"] | None = None
    draw: Draw | None = None
    quadratic: tuple[Float[Tensor, "d d"], float] | None = None

    def sample_field(self, alpha: float, offset: Float[Tensor, "s n"] | None = None) -> ParticleField:
        """The field of the sample, its targets shifted by f_0 for a centred start."""
        targets = self.targets if offset is None else self.targets + offset
        return ParticleField(self.x, targets, activation=self.activation, alpha=alpha, trained=self.trained)

    def velocity(self, alpha: float, field: ParticleField) -> Velocity:
        """What carries the particles."""
        if self.quadratic is not None:
            return QuadraticField(*self.quadratic, alpha=alpha)
        if self.draw is not None:
            x, targets = self.draw()
            fresh = ParticleField(x, targets, activation=self.activation, alpha=alpha, trained=self.trained)
            return FreshField(fresh, self.draw)
        return field

    def risk(self, alpha: float) -> Callable[[Tensor, Tensor], Tensor]:
        """R as a function of theta and of u on the sample."""
        if self.quadratic is not None:
            exact = QuadraticField(*self.quadratic, alpha=alpha)
            return lambda theta, u: exact.risk(theta)
        return lambda theta, u: u.square().mean(-1)
