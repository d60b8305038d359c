"""Losses against their formulae, written out by hand."""

import math

import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.regimes import MSE, CrossEntropy, SoftHinge, predict, weighted
from lazyregime.regimes.losses import num_correct

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


MANY = torch.tensor([[1, 0, 1], [0, 0, 1]])


@pytest.mark.parametrize(
    ("loss", "of_one"),
    [
        (CrossEntropy(), lambda z: math.log1p(math.exp(-z))),
        (MSE(), lambda z: 0.5 * (z - 1) ** 2),
        (SoftHinge(beta=2.0, margin=0.5), lambda z: math.log1p(math.exp(2 * (0.5 - z))) / 2),
    ],
)
def test_several_labels_are_as_many_binary_problems(loss, of_one):
    rows = [sum(of_one(z) for z in row) for row in ((2 * MANY - 1) * F).tolist()]
    assert float(loss(F, MANY)) == pytest.approx(sum(rows) / 2)
    assert loss.per_sample(F, MANY).tolist() == pytest.approx(rows)
    each = [loss(F[:, [k]], MANY[:, k]) for k in range(3)]  # one label at a time, as a network of one output
    assert float(loss(F, MANY)) == pytest.approx(float(sum(each)))


def test_of_several_labels_the_right_share_counts():
    labels = torch.tensor([[1, 0, 1], [1, 0, 1]])  # where the signs are + - + and + + -
    assert float(num_correct(F, labels)) == pytest.approx(3 / 3 + 1 / 3)


@pytest.mark.parametrize("loss", [CrossEntropy(), MSE(), SoftHinge()])
def test_class_weights_are_torchs_weighted_mean_over_the_training_set(loss):
    weights = torch.tensor([3.0, 1.0, 0.5], dtype=torch.float64)
    found = weighted(loss, weights, Y)(F, Y)
    rows = loss.per_sample(F, Y)
    assert float(found) == pytest.approx(float((weights[Y] * rows).sum() / weights[Y].sum()))
    if isinstance(loss, CrossEntropy):
        assert float(found) == pytest.approx(float(torch.nn.functional.cross_entropy(F, Y, weight=weights)))
    assert weighted(loss, None, Y) is loss
    assert float(weighted(loss, 7 * weights, Y)(F, Y)) == pytest.approx(float(found))


@pytest.mark.parametrize("loss", [CrossEntropy(), SoftHinge()])
@pytest.mark.parametrize("outputs", [F, F1])
def test_a_loss_of_classes_refuses_real_targets(loss, outputs):
    with pytest.raises(LazyRegimeError, match="real targets; use loss=mse"):
        loss(outputs, torch.zeros_like(outputs))
