"""The largest eigenvalue of a symmetric positive operator by Lanczos iterations with full reorthogonalization."""

from collections.abc import Callable

import torch
from torch import Tensor


def extreme_eigenvalues(
    matvec: Callable[[Tensor], Tensor], like: Tensor, *, num_iterations: int = 100, tolerance: float = 1e-2
) -> float:
    """The largest eigenvalue of v -> matvec(v), to a relative tolerance; a lower bound that converges from below.

    Args:
        matvec: The operator, on float64 vectors as long as `like` has rows.
        like: Gives length and device.
        num_iterations: Upper limit; a few dozen suffice for the ends of a kernel's spectrum.
        tolerance: Stops when the residual of the Ritz pair is below this fraction of the eigenvalue, which bounds the
            relative error; it is about the square of it where the eigenvalue stands apart.
    """
    n = like.shape[0]
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(n, generator=generator, dtype=torch.float64).to(like.device)
    basis = [v / v.norm()]
    diagonal: list[float] = []
    off: list[float] = []
    largest = 0.0
    for _ in range(min(num_iterations, n)):
        w = matvec(basis[-1])
        diagonal.append(float(basis[-1] @ w))
        q = torch.stack(basis)
        for _ in range(2):  # twice is enough (Parlett)
            w = w - q.T @ (q @ w)
        beta = float(w.norm())
        t = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
        if off:
            o = torch.tensor(off, dtype=torch.float64)
            t = t + torch.diag(o, 1) + torch.diag(o, -1)
        ritz, vectors = torch.linalg.eigh(t)
        largest = float(ritz[-1])
        if beta * abs(float(vectors[-1, -1])) <= tolerance * abs(largest):
            break
        off.append(beta)
        basis.append(w / beta)
    return largest
