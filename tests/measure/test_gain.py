"""A paired gain against the bootstrap, McNemar's count and R^2."""

import numpy as np
import pytest
import torch

from lazyregime.measure.gain import paired_gain, scores


def test_its_error_is_what_drawing_the_points_again_gives():
    rng = np.random.default_rng(0)
    before = rng.random(400) < 0.6
    after = np.where(rng.random(400) < 0.2, rng.random(400) < 0.9, before)  # most points as they were
    gain = paired_gain(torch.from_numpy(before).double(), torch.from_numpy(after).double())
    assert gain.value == pytest.approx(after.mean() - before.mean())
    drawn = rng.integers(0, 400, size=(4000, 400))
    differences = after[drawn].mean(1) - before[drawn].mean(1)
    assert gain.error == pytest.approx(differences.std(), rel=0.05)
    apart = np.sqrt(sum(x.mean() * (1 - x.mean()) for x in (before, after)) / 400)
    assert gain.error < 0.7 * apart  # which pairing is for


def test_its_error_counts_the_points_that_changed_as_mcnemar_does():
    before = torch.tensor([1.0] * 50 + [0.0] * 50)
    after = before.clone()
    after[:3], after[50:62] = 0.0, 1.0  # 3 lost, 12 gained
    gain = paired_gain(before, after)
    assert gain.value == pytest.approx(9 / 100)
    assert gain.error == pytest.approx(np.sqrt((15 - 81 / 100) / 99 / 100))


def test_nothing_that_changed_is_no_gain_without_error():
    right = torch.tensor([True, False, True])
    gain = paired_gain(scores(right, right), scores(right, right))
    assert (gain.value, gain.error) == (0.0, 0.0)
    assert paired_gain(torch.ones(1), torch.ones(1)) is None


def test_scores_of_real_targets_have_r_squared_as_their_mean():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(50, 2)) + 3
    f = y + 0.3 * rng.normal(size=(50, 2))
    r2 = 1 - ((f - y) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()
    found = scores(torch.from_numpy(((f - y) ** 2).sum(1)), torch.from_numpy(y))
    assert float(found.mean()) == pytest.approx(r2)
