"""The largest eigenvalue of a symmetric operator by Lanczos iterations, with full reorthogonalization or without."""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor


@final
class Lanczos:
    """The iterations, one product at a time, so that whoever makes products anyway can take this one with them.

    Args:
        start: Where they start; the closer to the eigenvector the better.
        tolerance: They are done when the residual of the Ritz pair is below this fraction of the eigenvalue, which
            bounds the relative error; it is about the square of it where the eigenvalue stands apart.
        reorthogonalize: Keep all vectors. Without it two are kept, whatever the iterations; rounding then makes copies
            of an eigenvalue that has converged, and the largest is as right as with it (Paige 1980).

    Attributes:
        largest: The eigenvalue so far, a lower bound that converges from below.
        done: Whether it is known to the tolerance.
    """

    def __init__(self, start: Float[Tensor, " n"], *, tolerance: float = 1e-2, reorthogonalize: bool = True) -> None:
        self._basis, self._all = [start / start.norm()], reorthogonalize
        self._tolerance = tolerance
        self._diagonal: list[float] = []
        self._off: list[float] = []
        self.largest, self.done = 0.0, False

    @property
    def vector(self) -> Float[Tensor, " n"]:
        """What the operator is to be applied to next."""
        return self._basis[-1]

    def step(self, product: Float[Tensor, " n"]) -> None:
        """Take the operator's product with `vector`."""
        self._diagonal.append(float(self.vector @ product))
        w = self._reduced(product)
        beta = float(w.norm())
        t = torch.diag(torch.tensor(self._diagonal, dtype=torch.float64))
        if self._off:
            o = torch.tensor(self._off, dtype=torch.float64)
            t = t + torch.diag(o, 1) + torch.diag(o, -1)
        ritz, vectors = torch.linalg.eigh(t)
        self.largest = float(ritz[-1])
        rest = beta * abs(float(vectors[-1, -1]))
        self.done = rest <= self._tolerance * abs(self.largest) or len(self._diagonal) == len(w)
        if not self.done:
            self._off.append(beta)
            self._basis = [*(self._basis if self._all else self._basis[-1:]), w / beta]

    def _reduced(self, product: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Less what the vectors so far have of it."""
        if not self._all:
            before = self._off[-1] * self._basis[0] if self._off else 0.0
            return product - self._diagonal[-1] * self.vector - before
        q, w = torch.stack(self._basis), product
        for _ in range(2):  # twice is enough (Parlett)
            w = w - q.T @ (q @ w)
        return w


def random_start(n: int, device: torch.device) -> Float[Tensor, " n"]:
    """The same for the same n."""
    return torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(device)


def largest_eigenvalue(
    matvec: Callable[[Tensor], Tensor],
    like: Tensor,
    *,
    num_iterations: int = 100,
    tolerance: float = 1e-2,
    reorthogonalize: bool = True,
) -> float:
    """The largest eigenvalue of v -> matvec(v), to a relative tolerance.

    Args:
        matvec: The operator, on vectors as long as `like` has rows and of its type, float64 if it is no vector.
        like: Gives length and device.
        num_iterations: Upper limit; a few dozen suffice for the ends of a kernel's spectrum.
        tolerance: As for `Lanczos`.
        reorthogonalize: As for `Lanczos`.
    """
    start = random_start(like.shape[0], like.device)
    start = start.to(like.dtype) if like.ndim == 1 else start
    lanczos = Lanczos(start, tolerance=tolerance, reorthogonalize=reorthogonalize)
    for _ in range(num_iterations):
        if lanczos.done:
            break
        lanczos.step(matvec(lanczos.vector))
    return lanczos.largest
