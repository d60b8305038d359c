r"""d rho/dt = -d/dr (rho V), V = -d xi/dr: the mean-field limit of [MMN18] for radially symmetric mu, on a line.

    xi(r) = Psi(r)/alpha + lambda r^2/2 + tau log(rho / r^{d-1}),    Psi(r) = -E[u phi_d(r |x|)]

is the first variation of the free energy F = R/(2 alpha^2) + (lambda/2) int r^2 rho + tau int rho log(rho / r^{d-1}),
whose Wasserstein-2 gradient flow this is. Finite volumes of [CCH15]: the flux through a
face is what leaves the cell upwind, so mass is conserved to rounding, rho stays positive, and F falls.
"""

from collections.abc import Callable, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.two_layer.radial import RadialData, radial_response

_VACUUM = 1e-14  # mass below which a cell has no say: its logarithm would force tiny steps on all


@final
class RadialFlow:
    """Masses of cells of equal width on [0, r_max], carried in time.

    Args:
        data: The quadrature over |x| and y.
        d: The dimension of w.
        activation: sigma.
        alpha: The output scale.
        r_max: The end of the grid; nothing flows through it.
        num_cells: The error falls like the square of the cell's width where rho is smooth.
        temperature: tau, the strength of the noise (dtheta has sqrt(2 tau) dB).
        confinement: lambda.

    Raises:
        LazyRegimeError: If a number is out of range.
    """

    def __init__(
        self,
        data: RadialData,
        d: int,
        *,
        activation: str = "mmn18",
        alpha: float = 1.0,
        r_max: float = 4.0,
        num_cells: int = 400,
        temperature: float = 0.0,
        confinement: float = 0.0,
    ) -> None:
        if not (alpha > 0 and r_max > 0 and num_cells >= 4 and temperature >= 0 and confinement >= 0):
            raise LazyRegimeError(
                f"alpha={alpha}, r_max={r_max}, num_cells={num_cells}, temperature={temperature}, confinement="
                f"{confinement}: give positive numbers, at least 4 cells, and no negative temperature or confinement."
            )
        self.data, self.d, self.alpha = data, d, alpha
        self.temperature, self.confinement = temperature, confinement
        self.edges = torch.linspace(0.0, r_max, num_cells + 1, dtype=torch.float64)
        self.centres, self.width = (self.edges[1:] + self.edges[:-1]) / 2, r_max / num_cells
        self.response = radial_response(activation, self.centres[:, None] * data.radii, d)

    def residual(self, mass: Float[Tensor, " c"]) -> Float[Tensor, " q"]:
        """The residual u = y - f at each node."""
        return self.data.labels - self.alpha * (mass @ self.response)

    def risk(self, mass: Float[Tensor, " c"]) -> float:
        """R = E[u^2]."""
        return float(self.data.weights @ self.residual(mass).square())

    def variation(self, mass: Float[Tensor, " c"]) -> Float[Tensor, " c"]:
        """The variation xi at the cells' centres."""
        xi = -self.response @ (self.data.weights * self.residual(mass)) / self.alpha
        xi = xi + self.confinement * self.centres**2 / 2
        return xi + self.temperature * self._log_density(mass) if self.temperature else xi

    def free_energy(self, mass: Float[Tensor, " c"]) -> float:
        """The energy F; without noise and confinement it is R / (2 alpha^2)."""
        entropy = float((mass * self._log_density(mass)).sum()) if self.temperature else 0.0
        confined = float(mass @ self.centres**2) / 2
        return self.risk(mass) / (2 * self.alpha**2) + self.confinement * confined + self.temperature * entropy

    def velocity(self, mass: Float[Tensor, " c"]) -> Float[Tensor, " f"]:
        """The velocity V at the inner faces; 0 where nothing could flow, so that no empty cell shortens the step."""
        v = -self.variation(mass).diff() / self.width
        upwind = torch.where(v > 0, mass[:-1], mass[1:])
        return v * (upwind > _VACUUM)

    def run(
        self,
        mass: Float[Tensor, " c"],
        times: Sequence[float],
        *,
        courant: float = 0.4,
        observe: Callable[[float, Tensor], None] | None = None,
    ) -> Float[Tensor, "t c"]:
        """The masses at each time, by Heun's steps (the strong-stability-preserving Runge-Kutta method of order 2).

        Args:
            mass: At the first time.
            times: They increase.
            courant: No face carries more than this share of a cell in a step.
            observe: Called at every step, if given.

        Raises:
            LazyRegimeError: If the flow has reached the end of the grid.
        """
        states, t = [mass], times[0]
        for end in times[1:]:
            while t < end:
                v = self.velocity(mass)
                step = min(end - t, self._longest(v, courant))
                first = mass + step * self._rate(mass, v)
                second = first + step * self._rate(first, self.velocity(first))
                mass = (mass + second) / 2
                t = end if step == end - t else t + step
                if observe is not None:
                    observe(t, mass)
            if float(mass[-1]) > 1e-6:
                raise LazyRegimeError(f"At t={t:.4g} mass has reached r_max={float(self.edges[-1])}; make it larger.")
            states.append(mass)
        return torch.stack(states)

    def _rate(self, mass: Tensor, v: Tensor) -> Tensor:
        """Minus the difference of the fluxes through a cell's two faces; 0 through the ends."""
        slope = _slopes(mass)
        left, right = (mass + slope / 2)[:-1], (mass - slope / 2)[1:]
        flux = (v.clamp_min(0) * left + v.clamp_max(0) * right) / self.width
        return -torch.nn.functional.pad(flux, (1, 1)).diff()

    def _longest(self, v: Tensor, courant: float) -> float:
        fastest = float(v.abs().max()) / self.width
        spread = 2 * self.temperature / self.width**2
        return courant / max(fastest + spread, 1e-12)

    def _log_density(self, mass: Tensor) -> Tensor:
        return torch.log(mass.clamp_min(_VACUUM) / self.width) - (self.d - 1) * torch.log(self.centres)


def _slopes(mass: Tensor) -> Tensor:
    """The central difference, limited to twice the one-sided ones and 0 at an extremum: no mass below zero."""
    difference = torch.nn.functional.pad(mass.diff(), (1, 1))
    before, after = difference[:-1], difference[1:]
    limit = 2 * torch.minimum(before.abs(), after.abs()) * (before * after > 0)
    slope = ((before + after) / 2).clamp(-limit, limit)
    slope[0] = slope[-1] = 0.0
    return slope
