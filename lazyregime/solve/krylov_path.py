r"""(A + lambda I)^{-1} B for many lambda and a large A: a Krylov space of A, and of (A + s)^{-1} for what is left.

The block Krylov space of A and B serves all ridges at once, since a shift does not change it. It reaches the large ones
within a few hundred vectors; the small ones, once they lie within a factor of 20, share one Cholesky factor.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve.cholesky import RESIDUAL_BOUND, factored, substitute
from lazyregime.solve.krylov import block_lanczos
from lazyregime.solve.report import SolveReport
from lazyregime.solve.solution import PathSolution, misfit_of, residuals_of
from lazyregime.solve.stability import check_not_zero, condition_number, needed_jitter, never_jittered

TOLERANCE = 1e-9  # of the residual: predictions are off by no more than this times ||Y||
FACTOR_COST = 24  # n / 24 products with a vector take as long as a factor: they wait for memory, measured on two cores
SPAN = 20.0  # ridges that one factor serves: the condition number of the space of its inverse


def solve_by_krylov(
    a: Float[Tensor, "n n"],
    rhs: Float[Tensor, "n k"],
    ridges: Sequence[float],
    *,
    accuracy: float,
    form: str,
    max_basis: int = 3000,
) -> PathSolution:
    """The solution for every ridge.

    Raises:
        LazyRegimeError: If A + lambda I is indefinite for some ridge, A is zero, or a ridge is too small.
    """
    check_not_zero(a.diagonal())
    n, ridge = len(a), min(ridges)
    krylov = block_lanczos(
        lambda v: a @ v, rhs, ridges, tolerance=TOLERANCE, max_basis=max_basis, enough=_within(ridges, SPAN, n)
    )
    smallest, largest = krylov.ends
    needed_jitter(smallest + ridge, largest + ridge, ridge=ridge, size=n, accuracy=accuracy)  # or it is no kernel
    solution, jitters, num_factored = krylov.solutions, [0.0] * len(ridges), 0
    # below this the space does not tell whether a jitter is needed
    safe = never_jittered(n, accuracy) * largest
    left = [i for i, r in enumerate(ridges) if not float(krylov.residuals[i]) <= TOLERANCE or r < safe]
    while left:
        lowest = min(ridges[i] for i in left)
        found = factored(a, lowest, accuracy)
        num_factored += 1
        if num_factored == 1:  # the smallest ridge of all
            smallest, largest = found.smallest - lowest, found.largest - lowest
        for i in left:
            r = ridges[i]
            jitters[i] = needed_jitter(smallest + r, largest + r, ridge=r, size=n, accuracy=accuracy)
        near = [i for i in left if (jitters[i] > 0 if found.jitter else ridges[i] <= SPAN * lowest)]
        s = lowest + found.jitter
        jitters = [max(j, s - ridges[i]) if i in near else j for i, j in enumerate(jitters)]
        shifts = [max(s, ridges[i] + jitters[i]) for i in near]
        solution[near] = shift_and_invert(found.factor, s, rhs, shifts, max_basis=max_basis)
        for i, shift in zip(near, shifts, strict=True):  # rounding, where the condition number is large
            error = rhs - a @ solution[i] - shift * solution[i]
            if not float(error.norm()) <= 10 * TOLERANCE * float(rhs.norm()):
                solution[i] += shift_and_invert(found.factor, s, error, [shift], max_basis=max_basis)[0]
        left = [i for i in left if i not in near]
    residuals = residuals_of(a, rhs, [r + j for r, j in zip(ridges, jitters, strict=True)], solution)
    residual, condition = float(residuals.max()), condition_number(smallest + ridge, largest + ridge)
    if not residual <= RESIDUAL_BOUND:
        raise LazyRegimeError(
            f"The path of ridges leaves a relative residual of {residual:.3g} (allowed {RESIDUAL_BOUND:.0e}) at "
            f"condition number {condition:.3g}; the smallest ridge, {ridge:.3g}, is too small for this kernel."
        )
    report = SolveReport(
        size=n, ridge=ridge, jitter=max(jitters), condition_number=condition, residual=residual, form=form,
        method="krylov+cholesky" if num_factored else "krylov", num_factored=num_factored,
        basis_size=krylov.basis_size, misfit=misfit_of(rhs, jitters, solution, residuals),
    )  # fmt: skip
    return PathSolution(solution, ridges, jitters, report)


def shift_and_invert(
    factor: Float[Tensor, "n n"],
    s: float,
    rhs: Float[Tensor, "n k"],
    shifts: Sequence[float],
    *,
    max_basis: int = 3000,
) -> Float[Tensor, "r n k"]:
    r"""For shifts lambda near the smallest, s: a Krylov space of B = (A + s)^{-1}, given the Cholesky factor of A + s.

    (A + lambda)^{-1} Y = mu B (B + mu)^{-1} Y with mu = 1/(lambda - s), so B + mu takes the place of A + lambda; its
    condition number is lambda/s, and the last product with B makes its residual that of A + lambda.
    """
    y = rhs.double()
    above = [shift for shift in shifts if shift > s]
    mu = [1 / (shift - s) for shift in above]
    columns = [y]
    if above:
        inner = block_lanczos(lambda v: substitute(factor, v), y, mu, tolerance=TOLERANCE, max_basis=max_basis)
        columns += [m * z for m, z in zip(mu, inner.solutions, strict=True)]
    done = substitute(factor, torch.cat(columns, 1)).reshape(len(y), len(columns), -1).permute(1, 0, 2)
    order = [1 + above.index(shift) if shift > s else 0 for shift in shifts]
    return done[order]


def _within(ridges: Sequence[float], span: float, size: int) -> Callable[[Tensor, int], bool]:
    """Whether one factor would serve all ridges not yet solved, and the space has cost as much as a factor does."""

    def enough(residuals: Tensor, basis: int) -> bool:
        left = [ridge for ridge, residual in zip(ridges, residuals, strict=True) if not float(residual) <= TOLERANCE]
        return basis >= size / FACTOR_COST and max(left) <= span * min(left)

    return enough
