"""What learning curves are held against: eigenvectors at random, Gaussian points, and the sphere's own harmonics."""

import torch
from predicted_curves import MODES, SPHERE_POWERS, taylor

from lazyregime.data.gegenbauer import multiplicity, zonal_coefficients
from lazyregime.kernels import eigenlearning, hermite_features, hermite_modes

DEGREES = 12  # of the harmonics; what lies beyond acts as a ridge


def rotated(k, y):
    """The kernel with the same spectrum and targets in its eigenvectors, which are drawn at random."""
    values, vectors = torch.linalg.eigh(k)
    normal = torch.randn(len(k), len(k), dtype=k.dtype, generator=torch.Generator().manual_seed(0))
    q, r = torch.linalg.qr(normal)
    q = q * r.diagonal().sign()  # so that it is uniform over the rotations
    return (q * values.clamp(min=0)) @ q.T, q @ (vectors.T @ y)


def gaussian(x, y, kernel, power):
    """Gaussian points of the covariance of x and of its norm, and a target with this power in each Hermite mode."""
    generator = torch.Generator().manual_seed(0)
    centred = x - x.mean(0)
    g, vectors = torch.linalg.eigh(centred.T @ centred / len(x))
    g = g.clamp(min=1e-12)
    new = torch.randn(x.shape, dtype=x.dtype, generator=generator) * g.sqrt()
    new = new * x.shape[1] ** 0.5 / new.norm(dim=1, keepdim=True)
    _, exponents = hermite_modes(taylor(kernel, x.shape[1])[0], g, MODES)
    q, _ = torch.linalg.qr(hermite_features((centred @ vectors) / g.sqrt(), exponents))
    exponents, power = exponents[: q.shape[1]], power[: q.shape[1]]  # a pool of few points spans fewer modes
    noise = max(0.0, 1 - float(power.sum())) ** 0.5 * torch.randn(len(x), dtype=x.dtype, generator=generator)
    target = hermite_features(new / g.sqrt(), exponents) @ ((q.T @ y).sign() * power.sqrt()) + noise
    return new, (target - target.mean()) / target.std()


def closed_form(modes, power, left, ridge, sizes):
    """The Hermite prediction by n."""
    noise = max(0.0, 1 - float(power.sum()))
    return [eigenlearning(modes, power, n, ridge=ridge + left, noise=noise).test_mse for n in sizes]


def harmonics(kernel, d, ridge, sizes):
    """The same equations with the eigenvalues of the kernel on the sphere itself, degree by degree, by n."""

    def cosine(t):
        x = torch.zeros(len(t) + 1, d, dtype=t.dtype)
        x[0, 0], x[1:, 0], x[1:, 1] = 1, t, (1 - t**2).clamp(min=0) ** 0.5
        return kernel.cross(d**0.5 * x[:1], d**0.5 * x[1:])[0]

    values = zonal_coefficients(cosine, DEGREES, d).clamp(min=0)
    counts = torch.tensor([multiplicity(k, d) for k in range(DEGREES + 1)], dtype=values.dtype)
    power = torch.zeros_like(values)
    power[: len(SPHERE_POWERS)] = torch.tensor(SPHERE_POWERS, dtype=values.dtype)
    left = max(0.0, float(cosine(torch.ones(1, dtype=values.dtype))[0] - values @ counts))
    return [eigenlearning(values, power / counts, n, ridge=ridge + left, counts=counts).test_mse for n in sizes]
