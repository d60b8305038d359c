r"""F(mu) = R(mu) / (2 alpha^2) [+ (lambda/2) int |theta|^2 mu + tau int mu log mu]: what the flow descends, in W_2.

The step of Jordan, Kinderlehrer and Otto,  mu' = argmin F(mu') + W_2(mu', mu)^2 / (2 h),  over clouds of N equal
masses is  theta' = argmin F + (1 / 2hN) sum_j |theta'_j - theta_j|^2  as long as each particle is nearest to itself.
With noise the particles follow  d theta = -N grad (R / (2 alpha^2)) dt - lambda theta dt + sqrt(2 tau) dB.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.two_layer.field import ParticleField


@final
@dataclass(frozen=True)
class JKOStep:
    """A minimizing movement and what it should satisfy: gain = F(mu) - F(mu') >= distance^2 / (2h) >= 0."""

    theta: Float[Tensor, "1 h p"]
    gain: float
    distance: float


def jko_step(field: ParticleField, theta: Float[Tensor, "1 h p"], h: float, *, iterations: int = 60) -> JKOStep:
    """One step of length h from one cloud; stationarity is theta' = theta + h v(theta'), Euler's implicit step.

    Found by L-BFGS with the exact gradient.

    Raises:
        LazyRegimeError: If h is not positive or there is more than one seed.
    """
    if not h > 0 or theta.shape[0] != 1:
        raise LazyRegimeError(f"h={h} with {theta.shape[0]} seeds is not possible; give h > 0 and one seed.")
    width = theta.shape[1]
    moved = theta.clone()
    optimizer = torch.optim.LBFGS(
        [moved], lr=1.0, max_iter=iterations, tolerance_grad=1e-14, tolerance_change=0.0, line_search_fn="strong_wolfe"
    )

    def energy(cloud: Tensor) -> float:
        return float(field.residual(cloud).square().mean()) / (2 * field.alpha**2)

    def closure() -> float:
        difference = moved - theta
        # N times the objective, so that its curvature is about 1/h whatever N is; -N grad F is the velocity
        moved.grad = difference / h - field(moved)
        return width * energy(moved) + float(difference.square().sum()) / (2 * h)

    with torch.no_grad():
        optimizer.step(closure)  # pyright: ignore[reportArgumentType]
        distance = float((moved - theta).square().sum(-1).mean().sqrt())
        return JKOStep(moved, energy(theta) - energy(moved), distance)


@final
class NoisyField:
    """Velocity plus confinement and noise, for Euler's steps of size `step` (Euler and Maruyama)."""

    def __init__(
        self,
        field: ParticleField,
        *,
        temperature: float,
        confinement: float,
        step: float,
        generator: torch.Generator,
    ) -> None:
        if temperature < 0 or confinement < 0 or not step > 0:
            raise LazyRegimeError(
                f"temperature={temperature}, confinement={confinement}, step={step}: neither of the first two may be "
                "negative, and the step must be positive."
            )
        self.field, self.confinement, self.generator = field, confinement, generator
        self.scale = (2 * temperature / step) ** 0.5

    def __call__(self, theta: Float[Tensor, "s h p"]) -> Float[Tensor, "s h p"]:
        """The velocity v(theta) - lambda theta + sqrt(2 tau / step) xi."""
        noise = torch.randn(theta.shape, generator=self.generator, dtype=theta.dtype, device=theta.device)
        velocity = self.field(theta) - self.confinement * theta + self.scale * noise
        if self.field.trained == "w":
            velocity[..., 0] = 0.0
        return velocity
