"""The splits of `mnist` and `fashion_mnist` on a small set, and both sets as they really are."""

import os
import time
from pathlib import Path

import pytest
import torch

from lazyregime.data import ClassificationData, _mnist, fashion_mnist, first_per_class, mnist
from lazyregime.data.fetching.idx import parse_idx
from lazyregime.errors import LazyRegimeError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small(tiny, tmp_path, monkeypatch):
    """`mnist` of the small set: 60 training and 20 test images."""
    tiny.lay_out(tmp_path)
    monkeypatch.setattr(_mnist, "MNIST", tiny.image_set())

    def load(**options) -> ClassificationData:
        return mnist(data_dir=tmp_path, offline=True, **options)

    return load


@pytest.fixture
def pixels(tiny) -> torch.Tensor:
    return parse_idx(tiny.contents["train-images-idx3-ubyte"], origin="x").float()


def test_everything_in_file_order(small, tiny, pixels):
    data = small()
    assert data.name == "mnist" and data.n_outputs == 10
    assert torch.equal(data.raw(data.train_inputs).squeeze(1), pixels)
    assert bytes(data.train_labels.tolist()) == tiny.contents["train-labels-idx1-ubyte"][8:]
    assert bytes(data.test_labels.tolist()) == tiny.contents["t10k-labels-idx1-ubyte"][8:]
    assert data.train_inputs.shape == (60, 1, 28, 28) and data.test_inputs.shape == (20, 1, 28, 28)
    assert data.validation_inputs.shape == (0, 1, 28, 28) and data.validation_labels.shape == (0,)
    assert data.train_inputs.dtype == torch.float32 and data.train_labels.dtype == torch.int64


def rows_of(pixels: torch.Tensor, raw: torch.Tensor) -> list[int]:
    """Which images these are, by comparing all pixels."""
    return [int((pixels == image).all(dim=(1, 2)).nonzero().item()) for image in raw.squeeze(1)]


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_validation_is_disjoint_complete_and_in_file_order(small, pixels, seed):
    data = small(n_validation=13, data_seed=seed)
    kept = rows_of(pixels, data.raw(data.train_inputs))
    held_out = rows_of(pixels, data.raw(data.validation_inputs))
    assert (len(kept), len(held_out)) == (47, 13)
    assert sorted(kept + held_out) == list(range(60))
    assert kept == sorted(kept)
    labels = small().train_labels
    assert torch.equal(data.train_labels, labels[kept]) and torch.equal(data.validation_labels, labels[held_out])


def test_validation_is_chosen_by_data_seed_alone(small):
    torch.manual_seed(7)
    first = small(n_validation=13, data_seed=0)
    state = torch.get_rng_state()
    again = small(n_validation=13, data_seed=0)
    other = small(n_validation=13, data_seed=1)
    assert torch.equal(first.validation_inputs, again.validation_inputs)
    assert not torch.equal(first.validation_inputs, other.validation_inputs)
    assert torch.equal(torch.get_rng_state(), state)


def test_fewer_are_the_first_that_remain(small):
    full, part = small(n_validation=13), small(n_validation=13, n_train=20, n_test=5)
    assert torch.equal(part.train_inputs, full.train_inputs[:20])
    assert torch.equal(part.train_labels, full.train_labels[:20])
    assert torch.equal(part.validation_inputs, full.validation_inputs)
    assert torch.equal(part.test_inputs, full.test_inputs[:5]) and torch.equal(part.test_labels, full.test_labels[:5])


def test_a_random_subset_is_drawn_by_data_seed_from_what_is_not_held_out(small):
    rest = small(n_validation=13).train_inputs
    drawn = {seed: small(n_validation=13, n_train=20, subset="random", data_seed=seed) for seed in (0, 1)}
    places = [int((rest == image).flatten(1).all(1).nonzero()[0]) for image in drawn[0].train_inputs]
    assert len(set(places)) == 20 and places == sorted(places) and places != list(range(20))
    assert torch.equal(drawn[0].train_labels, small(n_validation=13).train_labels[places])
    assert not torch.equal(drawn[0].train_inputs, drawn[1].train_inputs)
    assert torch.equal(small(subset="random").train_inputs, small().train_inputs)  # all of them


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"subset": "last"}, "data.subset=last is not known; choose one of random, or null"),
        ({"normalization": "z"}, "choose one of poster, pixels, or null for poster"),
        ({"n_train": 0}, "data.n_train=0 is not possible; give a whole number from 1 to 60, or null for all"),
        ({"n_train": 61}, "from 1 to 60"),
        ({"n_train": 1.5}, "from 1 to 60"),
        ({"n_train": True}, "from 1 to 60"),
        ({"n_train": 48, "n_validation": 13}, "n_train=48 is not possible; give a whole number from 1 to 47"),
        ({"n_test": 21}, "from 1 to 20"),
        ({"n_validation": -1}, "from 0 to 59"),
        ({"n_validation": 60}, "n_validation=60"),
        ({"data_seed": -1}, "data_seed=-1 is not possible; give a whole number from 0"),
        ({"data_seed": 2**63}, "data_seed=9223372036854775808"),
    ],
)
def test_numbers_out_of_range_are_refused(small, options, says):
    with pytest.raises(LazyRegimeError, match=says):
        small(**options)


# The first labels and the counts of each class, as published with the sets.
REAL = [
    (mnist, [5, 0, 4, 1, 9, 2, 1, 3, 1, 4], [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], [7, 2, 1, 0]),
    (fashion_mnist, [9, 0, 0, 3, 0, 2, 7, 2, 5, 5], [6000] * 10, [9, 2, 1, 1]),
]


@pytest.mark.parametrize(("load", "first_labels", "counts", "first_test_labels"), REAL, ids=["mnist", "fashion_mnist"])
def test_the_real_set(load, first_labels, counts, first_test_labels):
    data_dir = os.environ.get("LAZYREGIME_DATA") or ROOT / "data"
    try:
        load(data_dir=data_dir)  # fetched if it is not there
    except LazyRegimeError as error:
        if "fetching failed" in str(error) and "CI" not in os.environ:
            pytest.skip(str(error))
        raise
    began = time.process_time()
    data = load(data_dir=data_dir, offline=True)
    assert time.process_time() - began < 3  # 0.3 s alone on a core
    assert data.train_inputs.shape == (60000, 1, 28, 28) and data.test_inputs.shape == (10000, 1, 28, 28)
    assert data.train_labels[:10].tolist() == first_labels and data.test_labels[:4].tolist() == first_test_labels
    assert data.train_labels.bincount().tolist() == counts
    # mean and std are rounded to four digits
    assert abs(data.train_inputs.double().mean()) < 5e-4 and abs(data.train_inputs.double().std() - 1) < 5e-4
    anchors = first_per_class(data.train_labels, 30)
    assert data.train_labels[anchors].tolist() == [c for c in range(10) for _ in range(30)]
