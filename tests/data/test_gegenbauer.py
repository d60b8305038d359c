"""Zonal harmonics against scipy's Gegenbauer polynomials, the addition theorem, and known expansions."""

import math

import numpy as np
import pytest
import torch
from scipy.special import eval_gegenbauer

from lazyregime.data.gegenbauer import (
    coordinate_quadrature,
    multiplicity,
    powers,
    zonal,
    zonal_coefficients,
    zonal_derivative,
)


@pytest.mark.parametrize("d", [3, 5, 30])
def test_polynomials_are_those_of_scipy(d):
    t = torch.linspace(-1, 1, 41, dtype=torch.float64)
    p = zonal(t, 6, d)
    for k in range(7):
        a = (d - 2) / 2
        np.testing.assert_allclose(
            p[k].numpy(), eval_gegenbauer(k, a, t.numpy()) / eval_gegenbauer(k, a, 1.0), atol=1e-12
        )


def test_derivative_is_that_of_autograd():
    t = torch.linspace(-0.99, 0.99, 21, dtype=torch.float64, requires_grad=True)
    p = zonal(t, 5, 12)
    slopes = [torch.autograd.grad(p[k].sum(), t, retain_graph=True)[0] for k in range(1, 6)]
    derivative = zonal_derivative(t.detach(), 5, 12)
    torch.testing.assert_close(derivative[1:], torch.stack(slopes), rtol=1e-12, atol=1e-12)
    assert not derivative[0].any()


@pytest.mark.parametrize("d", [3, 4, 25, 1000])
def test_orthogonal_with_the_multiplicity(d):
    t, w = coordinate_quadrature(d)
    p = zonal(t, 5, d)
    gram = (p * w) @ p.T
    expected = torch.diag(torch.tensor([1 / multiplicity(k, d) for k in range(6)], dtype=torch.float64))
    torch.testing.assert_close(gram, expected, atol=1e-13, rtol=1e-9)


def test_multiplicities_are_the_dimensions_of_harmonics():
    for d in (3, 7):
        for k in range(6):
            homogeneous = math.comb(d + k - 1, k) - (math.comb(d + k - 3, k - 2) if k > 1 else 0)
            assert multiplicity(k, d) == homogeneous


def test_parts_of_relu_and_of_a_pure_degree():
    d = 20
    parts = powers(torch.relu, 9, d, kink=0.0)
    assert math.isclose(sum(parts), 0.5 / d, rel_tol=1e-12)  # E relu(t)^2 = E t^2 / 2
    assert max(parts[3], parts[5], parts[7], parts[9]) < 1e-20  # relu has no odd degree above one
    assert math.isclose(parts[1], 1 / (4 * d), rel_tol=1e-12)  # its odd part is t / 2
    cubic = powers(lambda t: zonal(t, 3, d)[3], 4, d)
    assert math.isclose(cubic[3], 1 / multiplicity(3, d), rel_tol=1e-9) and sum(cubic) - cubic[3] < 1e-15


def test_coefficients_rebuild_a_smooth_function():
    d, t = 15, torch.linspace(-0.7, 0.7, 9, dtype=torch.float64)
    c = zonal_coefficients(torch.exp, 14, d)
    b = torch.tensor([float(multiplicity(k, d)) for k in range(15)], dtype=torch.float64)
    torch.testing.assert_close((c * b) @ zonal(t, 14, d), t.exp(), rtol=1e-9, atol=1e-9)
