"""Two classes of images: balanced, disjoint sets with a seed each, and the labels that the papers give."""

from dataclasses import replace

import pytest
import torch

from lazyregime.data import _binary, _mnist, cifar10_pair, parity
from lazyregime.data._classification import ClassificationData
from lazyregime.data._pca import standardized
from lazyregime.errors import LazyRegimeError


@pytest.fixture
def images(monkeypatch):
    """400 small images in ten classes in the place of a data set."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(400, 1, 4, 4, generator=generator), torch.arange(400) % 10
    x[:, 0, 0, 0] += 3.0

    def source(*, normalization, **_):
        assert normalization == "pixels"  # as the paper's code, which only divides by 255
        return ClassificationData(
            "fake", x[:300], y[:300], x[:0], y[:0], x[300:], y[300:], 10, 0.0, 1.0
        )  # fmt: skip

    small = replace(_mnist.MNIST, shape=(1, 4, 4), class_counts=(40,) * 10)
    for name in ("mnist", "cifar10"):
        monkeypatch.setitem(_binary.SOURCES, name, _binary.ImageSource(source, lambda: small))
    _binary.pooled.cache_clear()
    yield x, y
    _binary.pooled.cache_clear()


def rows(x):
    return {tuple(row.tolist()) for row in x.flatten(1)}


def test_sets_are_disjoint_balanced_and_labelled_by_parity(images):
    data = parity(data_dir="x", components=5, n_train=100, n_test=60, n_kernel=20)
    sets = [data.train_inputs, data.test_inputs, data.kernel_inputs]
    assert [len(s) for s in sets] == [100, 60, 20]
    assert len(set.union(*(rows(s) for s in sets))) == 180
    for labels in (data.train_labels, data.test_labels, data.kernel_labels):
        assert labels.float().mean() == 0.5
    pool = standardized(images[0], 5)
    where = {tuple(row.tolist()): int(y) for row, y in zip(pool, images[1], strict=True)}
    for x, label in zip(data.train_inputs, data.train_labels, strict=True):
        assert where[tuple(x.tolist())] % 2 == 1 - int(label)


@pytest.mark.parametrize(
    ("pair", "ones", "zeros"),
    [
        ("animals", {"plane", "car", "ship", "truck"}, {"bird", "cat", "deer", "dog", "frog", "horse"}),
        ("cat_plane", {"plane"}, {"cat"}),
        ("cat_dog", {"cat"}, {"dog"}),
        ("ship_bird", {"bird"}, {"ship"}),
    ],
)
def test_pairs_are_the_classes_they_say_in_equal_number(images, pair, ones, zeros):
    names = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    kept = torch.tensor([names[c] in ones | zeros for c in images[1].tolist()])
    data = cifar10_pair(data_dir="x", pair=pair, n_train=30, n_test=20, n_kernel=8)
    assert data.name == f"cifar10_{pair}" and data.n_outputs == 1
    pool = standardized(images[0][kept], None)  # centred by the images that are kept
    where = {tuple(row.tolist()): names[c] for row, c in zip(pool.flatten(1), images[1][kept].tolist(), strict=True)}
    seen = set()
    for inputs, labels in (
        (data.train_inputs, data.train_labels), (data.test_inputs, data.test_labels),
        (data.kernel_inputs, data.kernel_labels),
    ):  # fmt: skip
        assert labels.float().mean() == 0.5
        for x, label in zip(inputs.flatten(1), labels, strict=True):
            name = where[tuple(x.tolist())]
            assert name in (ones if label else zeros)
            seen.add(tuple(x.tolist()))
    assert len(seen) == 58


def test_each_set_has_a_seed_of_its_own(images):
    first = parity(data_dir="x", n_train=50, n_test=50, n_kernel=20)
    other = parity(data_dir="x", n_train=50, n_test=50, n_kernel=20, train_seed=1)
    assert torch.equal(first.test_inputs, other.test_inputs)
    assert torch.equal(first.kernel_inputs, other.kernel_inputs)
    assert not torch.equal(first.train_inputs, other.train_inputs)


@pytest.mark.parametrize(
    ("setting", "match"),
    [({"n_train": 400}, "n_train"), ({"components": 99}, "components"), ({"source": "mnits"}, "source")],
)
def test_what_cannot_be_is_refused(images, setting, match):
    with pytest.raises(LazyRegimeError, match=match):
        parity(data_dir="x", **{"n_test": 50, "n_kernel": 20, **setting})
