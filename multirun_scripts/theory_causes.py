"""What two explanations rest on, computed and not trained: the second order of a symmetric start, and risk at finite d.

    python multirun_scripts/theory_causes.py [symmetric] [finite] [KEY=VALUE ...]

symmetric  |dK/dt| / |K| and |d2K/dt2| / |K| at the start of two-layer flows at alpha = sqrt(N), and their exponents
           in N. In antisymmetric pairs (a, w), (-a, w) the first is zero, since the kernel is even and the motion odd
           in a; for independent a of mean zero it is a fluctuation, N^-1; where neither a nor the activation is
           symmetric it is N^-1/2. Settings: widths, seeds, n_train, dimension.
finite     The expectation of kernel regression's risk on the sphere at n = d^1.5 and d^2.5 samples, by the
           eigenlearning equations for the very kernel of the study of [GMMM19], and the limit of infinite d.
           Settings: dimensions.
"""

import numpy as np
import torch
from torch.func import jvp

from lazyregime.app.studies import studies
from lazyregime.machines.population import predicted_krr_risk
from lazyregime.machines.spectrum import Spectrum
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.claims._seeds import starts
from lazyregime.two_layer import antisymmetric, gaussian_particles

POWERS, SHIFT, RIDGE = (0.0, 0.4, 0.3, 0.3), 0.5, 1e-6  # of conf/experiment/gmmm19_samples.yaml
STARTS = {  # in pairs, mean of a, activation
    "pairs, a ~ N(0, 1), tanh": (True, 0.0, torch.tanh),
    "pairs, a ~ N(0, 1), softplus": (True, 0.0, torch.nn.functional.softplus),
    "a ~ N(0, 1), softplus": (False, 0.0, torch.nn.functional.softplus),
    "a ~ N(1, 1), softplus": (False, 1.0, torch.nn.functional.softplus),
}


def numbers(overrides, name, usual):
    """A list of whole numbers among the settings."""
    given = dict(word.split("=", 1) for word in overrides)
    return [int(value) for value in given[name].split(",")] if name in given else usual


def symmetric(overrides):
    """A row a start: both derivatives at the largest width, and exponents over all."""
    widths, seeds = (
        numbers(overrides, "widths", [64, 128, 256, 512, 1024]),
        numbers(overrides, "seeds", [0, 1, 2, 3, 4]),
    )
    (n,), (d,) = numbers(overrides, "n_train", [100]), numbers(overrides, "dimension", [10])
    for words, (paired, mean, sigma) in STARTS.items():
        found = np.array([[derivatives(w, s, n, d, paired, mean, sigma) for w in widths] for s in seeds])
        cells = [f"{found[:, -1, order].mean():.2g}" for order in (0, 1)]
        for order in (0, 1):
            exact = found[:, :, order].max() < 1e-10  # zero to rounding has no exponent
            slopes = starts(log_slope(widths, row) for row in found[:, :, order])
            cells.append("none" if exact else interval(slopes.measured()))
        yield [words, *cells]


def derivatives(width, seed, n, d, paired, mean, sigma):
    """|dK/dt| and |d2K/dt2| over |K| at the start of the flow towards three tanh neurons, alpha = sqrt(N)."""
    theta = gaussian_particles(width // 2 if paired else width, d, [seed], a_mean=mean, w_std=d**-0.5)
    theta = (antisymmetric(theta) if paired else theta)[0]
    generator = torch.Generator().manual_seed(1000 + seed)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    x = x * d**0.5 / x.norm(dim=1, keepdim=True)
    y = torch.tanh(x @ torch.randn(d, 3, generator=generator, dtype=torch.float64) / d**0.5).mean(1)
    alpha, f0 = width**0.5, output(theta, x, sigma)

    def velocity(at):
        u = y - alpha * (output(at, x, sigma) - f0)  # centred
        value, slope = both(sigma, x @ at[:, 1:].T)
        return torch.cat([(value.T @ u)[:, None], at[:, :1] * ((slope * u[:, None]).T @ x)], 1) / (alpha * n)

    def kernel(at):
        value, slope = both(sigma, x @ at[:, 1:].T)
        steep = slope * at[:, 0]
        return (value @ value.T + (x @ x.T) * (steep @ steep.T)) / width

    def moving(at):
        return jvp(kernel, (at,), (velocity(at),))[1]

    first, second = jvp(moving, (theta,), (velocity(theta),))
    size = kernel(theta).norm()
    return float(first.norm() / size), float(second.norm() / size)


def both(sigma, z):
    """sigma(z) and sigma'(z)."""
    return jvp(sigma, (z,), (torch.ones_like(z),))


def output(theta, x, sigma):
    """(1/N) sum_j a_j sigma(<w_j, x>)."""
    return sigma(x @ theta[:, 1:].T) @ theta[:, 0] / len(theta)


def finite(overrides):
    """A row a dimension: the expected risk over that of zero, and at last what is left of the target in the limit."""
    for d in numbers(overrides, "dimensions", [20, 30, 50, 100, 300, 1000]):
        spectrum = Spectrum.of("relu", d, shift=SHIFT)
        yield [f"d = {d}", *(f"{expected(spectrum, d ** (degree + 0.5)):.3f}" for degree in (1, 2))]
    yield ["limit", *(f"{sum(POWERS[degree + 1 :]) / sum(POWERS):.3f}" for degree in (1, 2))]


def expected(spectrum, n):
    """By the eigenlearning equations."""
    return predicted_krr_risk(spectrum, POWERS, round(n), ridge=RIDGE)


def interval(measured):
    """A measurement for people."""
    return f"{measured.value:.2f} [{measured.low:.2f}, {measured.high:.2f}]"


STUDIES = {
    "symmetric": (symmetric, ["start", "|K'|/|K|", "|K''|/|K|", "exponent of K' in N", "exponent of K'' in N"]),
    "finite": (finite, ["dimension", "n = d^1.5", "n = d^2.5"]),
}


def main(arguments=None):
    """Compute, and print."""
    studies(__doc__, STUDIES, arguments)


if __name__ == "__main__":
    main()
