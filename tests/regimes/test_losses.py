"""Losses against their formulae, written out by hand."""

import math

import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.regimes import MSE, CrossEntropy, SoftHinge, predict

F = torch.tensor([[1.0, -2.0, 0.5], [0.2, 0.3, -1.0]], dtype=torch.float64)
Y = torch.tensor([0, 2])
F1 = torch.tensor([[0.7], [-0.4]], dtype=torch.float64)
Y1 = torch.tensor([1, 1])


def test_mse_is_half_the_squared_distance_to_the_label():
    expected = 0.5 * ((0 + 4 + 0.25) + (0.04 + 0.09 + 4)) / 2
    assert float(MSE()(F, Y)) == pytest.approx(expected)
    assert float(MSE()(F1, Y1)) == pytest.approx(0.5 * (0.3**2 + 1.4**2) / 2)
    assert float(MSE()(F1, 0 * Y1)) == pytest.approx(0.5 * (1.7**2 + 0.6**2) / 2)


def test_cross_entropy():
    rows = [(1.0, [1.0, -2.0, 0.5]), (-1.0, [0.2, 0.3, -1.0])]
    expected = sum(-f + math.log(sum(math.exp(o) for o in row)) for f, row in rows) / 2
    assert float(CrossEntropy()(F, Y)) == pytest.approx(expected)
    binary = (math.log(1 + math.exp(-0.7)) + math.log(1 + math.exp(0.4))) / 2
    assert float(CrossEntropy()(F1, Y1)) == pytest.approx(binary)


def test_softhinge_is_one_against_all():
    def soft(z):
        return math.log(1 + math.exp(20 * z)) / 20

    signs = [[1, -1, -1], [-1, -1, 1]]
    expected = (
        sum(
            soft(1 - f * s) for row, srow in zip(F.tolist(), signs, strict=True) for f, s in zip(row, srow, strict=True)
        )
        / 2
    )
    assert float(SoftHinge()(F, Y)) == pytest.approx(expected, rel=1e-6)
    assert float(SoftHinge(beta=20.0, margin=0.5)(F1, Y1)) == pytest.approx((soft(-0.2) + soft(0.9)) / 2)


def test_predictions_are_the_largest_output_or_the_sign():
    assert predict(F).tolist() == [0, 1]
    assert predict(F1).tolist() == [1, 0]


def test_a_softhinge_without_softness_is_refused():
    with pytest.raises(LazyRegimeError, match=r"loss\.beta=0"):
        SoftHinge(beta=0.0)
