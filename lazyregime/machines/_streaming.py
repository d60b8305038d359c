r"""(K + lambda)^{-1} Y for all ridges at once by products with K alone, where K fits in no memory.

Conjugate gradients with a column for each target and ridge: a product with features makes all of them anew, and costs
hardly more for many columns than for one. The preconditioner is (Q + lambda)^{-1} with Q a Nystrom approximation, from
m of the samples, of a cheaper kernel close to K: for N random features, of their limit N -> infinity.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lazyregime.kernels import AbstractKernel
from lazyregime.machines._problem import Fitted, Problem
from lazyregime.machines.features import AbstractFeatures
from lazyregime.solve import ConjugateGradients, LowRank

MOST_LANDMARKS = 2500


def solve_by_products(problem: Problem, tolerance: float, budget: int) -> Fitted:
    """The coefficients for every ridge.

    Raises:
        LazyRegimeError: If a ridge is too small for the iterations to end.
    """
    kernel, x, y = problem.kernel, problem.samples, problem.targets - problem.mean
    (n, k), r = y.shape, len(problem.ridges)
    ones, row = y.new_ones(n, 1), y.new_zeros(n)

    def matmul(v: Tensor) -> Tensor:
        if not problem.intercept:
            return kernel.apply(x, x, v).double()
        product = kernel.apply(x, x, torch.cat([v - v.mean(0), ones], 1)).double()
        row.copy_(product[:, -1] / n)
        return product[:, :-1] - product[:, :-1].mean(0)

    ridges = y.new_tensor(list(problem.ridges)).repeat_interleave(k)
    count = max(1, min(n // 4, MOST_LANDMARKS, budget // (3 * 8 * n)))
    kernels = kernel.stand_ins() if isinstance(kernel, AbstractFeatures) else (kernel,)
    near = landmarks(kernels, x, count, centre=problem.intercept, accuracy=100 * problem.accuracy)
    system = ConjugateGradients(
        matmul, n, ridge=ridges, near=near, tolerance=max(tolerance, 10 * problem.accuracy),
        restrict=(lambda v: v - v.mean(0)) if problem.intercept else None,
    )  # fmt: skip
    alpha = system.solve(y.repeat(1, r)).reshape(n, r, k).permute(1, 0, 2)
    # the mean of K alpha, by the product with ones; zero without an intercept
    offsets = problem.mean - torch.einsum("n,rnk->rk", row, alpha)
    return Fitted(problem, alpha, [0.0] * r, offsets, system.report)


def landmarks(kernels: Sequence[AbstractKernel], x: Tensor, count: int, *, centre: bool, accuracy: float) -> LowRank:
    """The approximation of a sum of kernels by some of the samples, centred as with an intercept if asked for."""
    chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:count].sort().values
    eye = torch.eye(count, dtype=torch.float64, device=x.device)
    cross = sum((kernel.apply(x, x[chosen], eye).double() for kernel in kernels), start=eye.new_zeros(()))
    return LowRank.by_landmarks(cross, chosen, centre=centre, accuracy=accuracy)
