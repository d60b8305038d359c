"""Even against odd: balanced, disjoint sets with a seed each, and points that are standardized as the formula says."""

import pytest
import torch

from lazyregime.data import _parity as module
from lazyregime.data import parity
from lazyregime.data._classification import ClassificationData
from lazyregime.errors import LazyRegimeError


@pytest.fixture
def images(monkeypatch):
    """400 small images in ten classes in the place of a data set."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(400, 1, 4, 4, generator=generator), torch.arange(400) % 10
    x[:, 0, 0, 0] += 3.0

    def source(**_):
        return ClassificationData(
            "fake", x[:300], y[:300], x[:0], y[:0], x[300:], y[300:], 10, 0.0, 1.0
        )  # fmt: skip

    monkeypatch.setitem(module._SOURCES, "mnist", source)
    module._pooled.cache_clear()
    yield x, y
    module._pooled.cache_clear()


def rows(x):
    return {tuple(row.tolist()) for row in x.flatten(1)}


def test_sets_are_disjoint_balanced_and_labelled_by_parity(images):
    data = parity(data_dir="x", components=5, n_train=100, n_test=60, n_kernel=20)
    sets = [data.train_inputs, data.test_inputs, data.kernel_inputs]
    assert [len(s) for s in sets] == [100, 60, 20]
    assert len(set.union(*(rows(s) for s in sets))) == 180
    for labels in (data.train_labels, data.test_labels, data.kernel_labels):
        assert labels.float().mean() == 0.5
    pool = module.standardized(images[0], 5)
    where = {tuple(row.tolist()): int(y) for row, y in zip(pool, images[1], strict=True)}
    for x, label in zip(data.train_inputs, data.train_labels, strict=True):
        assert where[tuple(x.tolist())] % 2 == 1 - int(label)


def test_each_set_has_a_seed_of_its_own(images):
    first = parity(data_dir="x", n_train=50, n_test=50, n_kernel=20)
    other = parity(data_dir="x", n_train=50, n_test=50, n_kernel=20, train_seed=1)
    assert torch.equal(first.test_inputs, other.test_inputs)
    assert torch.equal(first.kernel_inputs, other.kernel_inputs)
    assert not torch.equal(first.train_inputs, other.train_inputs)


def test_points_are_standardized_as_the_formula_says(images):
    x = images[0].flatten(1).double()
    centred = x - x.mean(0)
    _, _, vh = torch.linalg.svd(centred, full_matrices=False)
    expected = centred @ vh[:3].T
    expected = expected / expected.norm(dim=1, keepdim=True) * 3**0.5
    found = module.standardized(images[0].double(), 3)
    torch.testing.assert_close(found.abs(), expected.abs(), rtol=1e-6, atol=1e-6)  # a component has no sign
    whole = module.standardized(images[0], None)
    assert whole.shape == images[0].shape
    torch.testing.assert_close(whole.flatten(1).norm(dim=1), torch.full((400,), 4.0))


@pytest.mark.parametrize(
    ("setting", "match"),
    [({"n_train": 400}, "n_train"), ({"components": 99}, "components"), ({"source": "mnits"}, "source")],
)
def test_what_cannot_be_is_refused(images, setting, match):
    with pytest.raises(LazyRegimeError, match=match):
        parity(data_dir="x", **{"n_test": 50, "n_kernel": 20, **setting})
