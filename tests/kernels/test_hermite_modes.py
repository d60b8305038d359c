"""Hermite modes against enumeration by hand, Gaussian quadrature, and the spectrum of a sampled kernel."""

import itertools
import math

import numpy as np
import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import hermite_features, hermite_modes


def test_modes_are_those_of_an_enumeration():
    g, c = torch.tensor([0.3, 1.0, 0.7]), [2.0, 0.0, 1.5, 0.25]
    expected = {}
    for exponents in itertools.product(range(4), repeat=3):
        if sum(exponents) <= 3 and c[sum(exponents)] > 0:
            product = math.prod(float(v) ** e for v, e in zip(g, exponents, strict=True))
            expected[exponents] = c[sum(exponents)] * product
    values, found = hermite_modes(c, g, 100)
    assert len(values) == len(expected) == 1 + 6 + 10
    assert values.tolist() == sorted(values.tolist(), reverse=True)
    for value, row in zip(values.tolist(), found.tolist(), strict=True):
        assert value == pytest.approx(expected[tuple(row)], rel=1e-6)
    assert torch.equal(hermite_modes(c, g, 5)[1], found[:5])


def test_features_are_orthonormal_under_the_gaussian():
    """Gauss-Hermite quadrature, exact for these degrees."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    grid = torch.tensor(list(itertools.product(nodes, repeat=2)))
    w = torch.tensor([a * b / (2 * math.pi) for a, b in itertools.product(weights, repeat=2)])
    exponents = torch.tensor([[i, j] for i in range(4) for j in range(4)])
    phi = hermite_features(grid, exponents)
    torch.testing.assert_close(phi.T @ (w[:, None] * phi), torch.eye(16, dtype=torch.float64))


def test_the_kernel_of_many_gaussian_points_has_these_eigenvalues():
    g = torch.linspace(1.5, 0.5, 30).double() / 30
    torch.manual_seed(0)
    x = torch.randn(3000, 30, dtype=torch.float64) * g.sqrt()
    t = x @ x.T
    values, _ = hermite_modes([0.0, 1.0, 1.0], g, 31)
    sampled = torch.linalg.eigvalsh((t + t**2 / 2) / 3000).flip(0)
    assert float(sampled[:30].sum()) == pytest.approx(float(values[:30].sum()), rel=0.1)


def test_what_cannot_be_is_refused():
    with pytest.raises(LazyRegimeError, match="not negative"):
        hermite_modes([1.0, -1.0], torch.ones(2), 3)
