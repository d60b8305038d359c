r"""Test error of kernel ridge regression from the kernel's eigenvalues alone (Simon et al. 2110.03922).

kappa > 0 solves  sum_i l_i / (l_i + kappa) + ridge / kappa = n;   L_i = l_i / (l_i + kappa);
E_0 = n / (n - sum_i L_i^2);   test = E_0 (sum_i (1 - L_i)^2 v_i^2 + noise);   train = (ridge / (n kappa))^2 test.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve import as_float64


@dataclass(frozen=True)
class Eigenlearning:
    """The prediction.

    Attributes:
        kappa: The threshold: modes with eigenvalue far above it are learned.
        learnabilities: L_i, in the order of the eigenvalues; they add up to n when the ridge is 0.
        overfitting: E_0, the factor by which fitting the samples amplifies the error.
        test_mse: Expected squared error on a new sample, noise included.
        train_mse: Expected squared error on the training samples.
    """

    kappa: float
    learnabilities: Float[Tensor, " modes"]
    overfitting: float
    test_mse: float
    train_mse: float


def eigenlearning(
    eigenvalues: Shaped[Tensor, " modes"],
    power: Shaped[Tensor, " modes"],
    n_samples: int,
    *,
    ridge: float | int = 0.0,
    noise: float | int = 0.0,
    counts: Shaped[Tensor, " modes"] | None = None,
) -> Eigenlearning:
    """Predicts the errors of ridge regression on `n_samples` samples drawn at random.

    Args:
        eigenvalues: Of the kernel as an operator under the data's distribution, so that k(x, x) averages to their sum;
            for a domain of N equally likely points, the eigenvalues of its gram matrix divided by N.
        power: v_i^2, squared coefficients of the target in the orthonormal eigenfunctions; for N points,
            the squared projections divided by N.
        n_samples: Size of the training set.
        ridge: As in (K + ridge I)^{-1}.
        noise: Variance of the noise on the labels.
        counts: How many modes each entry stands for, which all have its eigenvalue and its power; None for one each.

    Raises:
        LazyRegimeError: If eigenvalues, power, ridge or noise are negative or not finite, or without ridge fewer modes
            than samples are non-zero.
    """
    lam, v2 = as_float64(eigenvalues, "spectrum"), as_float64(power, "power")
    numbers = 0 <= ridge < float("inf") and 0 <= noise < float("inf") and 1 <= n_samples < float("inf")
    if lam.shape != v2.shape or lam.ndim != 1 or bool((lam < 0).any()) or bool((v2 < 0).any()) or not numbers:
        raise LazyRegimeError(
            f"eigenlearning got {lam.numel()} eigenvalues (lowest {float(lam.min()):.3g}), {v2.numel()} powers (lowest "
            f"{float(v2.min()):.3g}), ridge {ridge}, noise {noise} and n = {n_samples}; all must be finite and >= 0, "
            "n >= 1, and the first two of one shape (modes,)."
        )
    many = torch.ones_like(lam) if counts is None else as_float64(counts, "counts")
    if many.shape != lam.shape or bool((many < 0).any()):
        raise LazyRegimeError(
            f"eigenlearning got {many.numel()} counts of {lam.numel()} modes; give one each, and none below 0."
        )
    num_modes = float(many[lam > 0].sum())
    if ridge == 0 and num_modes <= n_samples:
        raise LazyRegimeError(
            f"Without ridge, {num_modes:.0f} non-zero modes cannot be learned from n = {n_samples} samples: "
            "kappa would be 0. Give a ridge, more modes or fewer samples."
        )
    kappa = _solve_kappa(lam, many, n_samples, ridge)
    learn = lam / (lam + kappa)
    overfitting = n_samples / (n_samples - float((many * learn**2).sum()))
    test = overfitting * (float((many * (1 - learn) ** 2 * v2).sum()) + noise)
    return Eigenlearning(kappa, learn, overfitting, test, (ridge / (n_samples * kappa)) ** 2 * test)


def _solve_kappa(lam: Tensor, many: Tensor, n: int, ridge: float) -> float:
    """Bisection in log kappa; the left side falls monotonically from above n to 0."""
    high = torch.log(2 * ((many * lam).sum() + ridge) / n)  # there the left side is below n
    low = high - 1.0
    while _modes(lam, many, low, ridge) < n:
        low = low - (high - low)
    for _ in range(200):
        middle = (low + high) / 2
        if bool(_modes(lam, many, middle, ridge) > n):
            low = middle
        else:
            high = middle
    return float(torch.exp((low + high) / 2))


def _modes(lam: Tensor, many: Tensor, log_kappa: Tensor, ridge: float) -> Tensor:
    kappa = torch.exp(log_kappa)
    return (many * lam / (lam + kappa)).sum() + ridge / kappa
