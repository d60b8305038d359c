r"""(K + lambda)^{-1} Y for all ridges at once by products with K alone, where K fits in no memory.

Conjugate gradients with a column for each target and ridge: a product with features makes all of them anew, and costs
hardly more for many columns than for one. The preconditioner is (Q + lambda)^{-1} with Q a Nystrom approximation, from
m of the samples, of a cheaper kernel close to K: for N random features, of their limit N -> infinity.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel
from lazyregime.kernels.cg import ConjugateGradients
from lazyregime.machines._problem import Fitted, Problem
from lazyregime.machines.features import AbstractFeatures
from lazyregime.machines.path import PathReport

MOST_LANDMARKS = 2500


@final
@dataclass(frozen=True)
class Landmarks:
    """Q = U diag(theta) U^T, from samples S: K(X, S) K(S, S)^{-1} K(S, X).

    Attributes:
        vectors: U, orthonormal.
        values: theta.
    """

    vectors: Float[Tensor, "n m"]
    values: Float[Tensor, " m"]

    @classmethod
    def of(
        cls, kernels: Sequence[AbstractKernel], x: Tensor, count: int, *, centre: bool, accuracy: float
    ) -> "Landmarks":
        """Of a sum of kernels, centred as with an intercept if asked for; 2 n m float64 numbers at the peak."""
        chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:count].sort().values
        eye = torch.eye(count, dtype=torch.float64, device=x.device)
        cross = sum((kernel.apply(x, x[chosen], eye).double() for kernel in kernels), start=eye.new_zeros(()))
        theta, v = torch.linalg.eigh((cross[chosen] + cross[chosen].T) / 2)
        large = theta > accuracy * theta[-1]
        root = cross @ (v[:, large] / theta[large].sqrt())
        if centre:
            root -= root.mean(0)
        theta, v = torch.linalg.eigh(root.T @ root)
        large = theta > accuracy * theta[-1]
        return cls(root @ (v[:, large] / theta[large].sqrt()), theta[large])

    def solve(self, ridges: Float[Tensor, " c"], y: Float[Tensor, "n c"]) -> Float[Tensor, "n c"]:
        """(Q + lambda)^{-1} y, a lambda for each column."""
        share = self.values[:, None] / (self.values[:, None] + ridges)
        return (y - self.vectors @ (share * (self.vectors.T @ y))) / ridges


def solve_by_products(problem: Problem, tolerance: float, budget: int) -> Fitted:
    """The coefficients for every ridge.

    Raises:
        LazyRegimeError: If a ridge is zero, or too small for the iterations to end.
    """
    kernel, x, y = problem.kernel, problem.samples, problem.targets - problem.mean
    if 0 in problem.ridges:
        raise LazyRegimeError("Conjugate gradients need a ridge > 0 here; give one, or a solver that factors.")

    (n, k), r = y.shape, len(problem.ridges)
    ones, row = torch.ones(n, 1, dtype=torch.float64), torch.zeros(n, dtype=torch.float64)

    def matmul(v: Tensor) -> Tensor:
        if not problem.intercept:
            return kernel.apply(x, x, v).double()
        product = kernel.apply(x, x, torch.cat([v - v.mean(0), ones], 1)).double()
        row.copy_(product[:, -1] / n)
        return product[:, :-1] - product[:, :-1].mean(0)

    ridges = torch.tensor(list(problem.ridges), dtype=torch.float64).repeat_interleave(k)
    count = max(1, min(n // 4, MOST_LANDMARKS, budget // (3 * 8 * n)))
    kernels = kernel.stand_ins() if isinstance(kernel, AbstractFeatures) else (kernel,)
    landmarks = Landmarks.of(kernels, x, count, centre=problem.intercept, accuracy=100 * problem.accuracy)
    system = ConjugateGradients(
        matmul, n, ridge=ridges, device=x.device, tolerance=max(tolerance, 10 * problem.accuracy),
        precondition=lambda v: landmarks.solve(ridges, v),
    )  # fmt: skip
    alpha = system.solve(y.repeat(1, r)).reshape(n, r, k).permute(1, 0, 2)
    report = PathReport(n, "products", "cg", system.report.residual, num_iterations=system.report.iterations)
    # the mean of K alpha, by the product with ones; zero without an intercept
    offsets = problem.mean - torch.einsum("n,rnk->rk", row, alpha)
    return Fitted(problem, alpha, offsets, report)
