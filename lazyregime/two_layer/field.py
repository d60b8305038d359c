r"""d theta_j/dt = (1/alpha) E_x[u(x) grad_theta sigma*(x; theta_j)], u = f* - f: the flow of [MMM19] on a sample.

With sigma*(x; (a, w)) = a sigma(<w, x>) this is gradient flow of R = E[u^2] with the step factor N / (2 alpha^2):

    Z = W X^T,  f = (alpha/N) a^T sigma(Z),  da = sigma(Z) u / (n alpha),  dW = diag(a) sigma'(Z) diag(u) X / (n alpha)

Two matrix products a step; all else is done block by block while the block is in the cache.
Shape letters: s seeds, h = N particles, n samples, d inputs, p = 1 + d; g, r = seeds and particles of a block.
"""

from collections.abc import Iterator
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.two_layer.activations import pointwise

TRAINED: tuple[str, ...] = ("both", "a", "w")


@final
class ParticleField:
    """The right-hand side theta -> d theta/dt on one sample, in memory that is allocated once.

    Memory peaks at s h n numbers (twice that where sigma' is not a function of sigma).

    Args:
        x: The inputs, for all seeds or one sample each.
        targets: f*(x), for all seeds or each; for a centred start add f_0(x).
        activation: One of `activation_names()`.
        alpha: The output scale: 1 is mean-field, sqrt(N) the kernel limit.
        trained: Which layer moves.
        block: Numbers that are worked on at once; 2**20 was the fastest of 2**17 to 2**21 (L2 2 MB, L3 32 MB).

    Raises:
        LazyRegimeError: If alpha is not positive or a shape or a name does not fit.
    """

    def __init__(
        self,
        x: Float[Tensor, "n d"] | Float[Tensor, "s n d"],
        targets: Float[Tensor, "*s m"],
        *,
        activation: str,
        alpha: float = 1.0,
        trained: str = "both",
        block: int = 2**20,
    ) -> None:
        if not 0 < alpha < float("inf"):
            raise LazyRegimeError(f"alpha={alpha} is not possible; it must be positive and finite.")
        if trained not in TRAINED:
            raise LazyRegimeError(f"trained={trained!r} is not known; choose both, a or w.")
        self.alpha, self.trained, self.block = alpha, trained, block
        self._sigma = pointwise(activation)
        self._values = self._slopes = torch.empty(0)
        self.see(x, targets)

    def see(self, x: Float[Tensor, "n d"] | Float[Tensor, "s n d"], targets: Float[Tensor, "*s m"]) -> None:
        """Take another sample from here on.

        Raises:
            LazyRegimeError: If there is not one target an input.
        """
        x, targets = (x if x.ndim == 3 else x[None]), (targets if targets.ndim == 2 else targets[None])
        if x.shape[1] != targets.shape[1] or x.shape[0] not in (1, targets.shape[0]):
            raise LazyRegimeError(
                f"Inputs of shape {tuple(x.shape)} have targets of shape {tuple(targets.shape)}; give one an input."
            )
        self.x, self.targets = x, targets

    def __call__(self, theta: Float[Tensor, "s h p"]) -> Float[Tensor, "s h p"]:
        """The velocity d theta/dt."""
        return self._pull(theta, self.targets - self.output(theta))

    def output(self, theta: Float[Tensor, "s h p"]) -> Float[Tensor, "s n"]:
        """f_{alpha,N} on the sample."""
        a, sums = theta[..., 0], theta.new_zeros(theta.shape[0], self.x.shape[1])
        for seeds, rows in self._prepare(theta):
            values = self._activate(theta, seeds, rows)
            sums[seeds] += _matvec(values.mT, a[seeds, rows])
        return sums.mul_(self.alpha / theta.shape[1])

    def residual(self, theta: Float[Tensor, "s h p"]) -> Float[Tensor, "s n"]:
        """The residual u = f* - f on the sample."""
        return self.targets - self.output(theta)

    def driven(self, theta: Float[Tensor, "s h p"], u: Float[Tensor, "#s n"]) -> Float[Tensor, "s h p"]:
        """(1/alpha) E_x[u grad sigma*] for a residual from elsewhere."""
        self.output(theta)
        return self._pull(theta, u)

    def tangent(self, theta: Float[Tensor, "s h p"], v: Float[Tensor, "s h p"]) -> Float[Tensor, "s n"]:
        """The rate df/dt on the sample when the particles move with velocity v; K_t u where v is driven by u."""
        a, sums = theta[..., 0], theta.new_zeros(theta.shape[0], self.x.shape[1])
        for seeds, rows in self._prepare(theta):
            values = self._activate(theta, seeds, rows)
            sums[seeds] += _matvec(values.mT, v[seeds, rows, 0])
            slopes = self._slope(values, seeds, rows)
            along = torch.matmul(v[seeds, rows, 1:], self._inputs(seeds).mT)
            sums[seeds] += _matvec(along.mul_(slopes).mT, a[seeds, rows])
        return sums.mul_(self.alpha / theta.shape[1])

    def _pull(self, theta: Tensor, u: Tensor) -> Tensor:
        """(1/alpha) E_x[u grad sigma*] from the values that `output` left behind."""
        velocity = torch.empty_like(theta)
        u = u.expand(theta.shape[0], -1) / (self.alpha * u.shape[-1])
        ux = (u[..., None] * self.x).mT
        for seeds, rows in self._prepare(theta):
            values = self._values[seeds, rows]
            velocity[seeds, rows, 0] = 0.0 if self.trained == "w" else _matvec(values, u[seeds])
            if self.trained == "a":
                velocity[seeds, rows, 1:] = 0.0
                continue
            # (d, n) times (n, r): twice as fast here as its transpose, for d is small
            pulled = _product(ux[seeds], self._slope(values, seeds, rows).mT)
            torch.mul(pulled.mT, theta[seeds, rows, :1], out=velocity[seeds, rows, 1:])
        return velocity

    def _activate(self, theta: Tensor, seeds: slice, rows: slice) -> Tensor:
        """sigma(W X^T) of a block, and sigma' where it must be had from Z."""
        values = self._values[seeds, rows]
        _product(theta[seeds, rows, 1:], self._inputs(seeds).mT, out=values)
        if not self._sigma.slope_of_value:
            self._sigma.slope_(self._slopes[seeds, rows].copy_(values))
        return self._sigma.value_(values)

    def _slope(self, values: Tensor, seeds: slice, rows: slice) -> Tensor:
        return self._sigma.slope_(values) if self._sigma.slope_of_value else self._slopes[seeds, rows]

    def _inputs(self, seeds: slice) -> Tensor:
        return self.x if self.x.shape[0] == 1 else self.x[seeds]

    def _prepare(self, theta: Tensor) -> Iterator[tuple[slice, slice]]:
        """The blocks: some seeds, or some particles of one seed."""
        (s, h), n = theta.shape[:2], self.x.shape[1]
        if self._values.shape != (s, h, n) or self._values.dtype != theta.dtype:
            self._values = theta.new_empty(s, h, n)
            self._slopes = self._values[:0] if self._sigma.slope_of_value else torch.empty_like(self._values)
        count = max(self.block // n, 1)
        count -= count % 64 if count > 64 else 0  # whole tiles of the matrix product
        if count >= h:
            return ((slice(i, i + count // h), slice(0, h)) for i in range(0, s, count // h))
        return ((slice(i, i + 1), slice(j, j + count)) for i in range(s) for j in range(0, h, count))


def _product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    if a.shape[0] == b.shape[0] == 1:
        return torch.mm(a[0], b[0], out=None if out is None else out[0]).unsqueeze(0)
    size = max(a.shape[0], b.shape[0])
    return torch.bmm(a.expand(size, -1, -1), b.expand(size, -1, -1), out=out)


def _matvec(m: Tensor, v: Tensor) -> Tensor:
    return torch.mv(m[0], v[0])[None] if m.shape[0] == 1 else torch.bmm(m, v[..., None])[..., 0]
