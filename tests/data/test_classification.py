"""Normalization, its exact inverse, and the anchors, against definitions in plain Python."""

import doctest

import pytest
import torch

from lazyregime.data import ClassificationData, _classification, first_per_class
from lazyregime.data._images import normalize
from lazyregime.errors import LazyRegimeError

NORMALIZATIONS = [(0.1307, 0.3081), (0.2860, 0.3530)]
ALL_PIXELS = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)


def data_of(inputs: torch.Tensor, mean: float, std: float) -> ClassificationData:
    labels = torch.zeros(len(inputs), dtype=torch.int64)
    return ClassificationData("x", inputs, labels, inputs[:0], labels[:0], inputs, labels, 1, mean, std)


@pytest.mark.parametrize(("mean", "std"), NORMALIZATIONS)
def test_normalization_is_its_formula(mean: float, std: float):
    expected = torch.tensor([(x / 255 - mean) / std for x in range(256)], dtype=torch.float64)
    normalized = normalize(ALL_PIXELS, mean, std)
    assert normalized.dtype == torch.float32
    # three float32 roundings of numbers up to 3
    torch.testing.assert_close(normalized.flatten().double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("mean", "std"), NORMALIZATIONS)
def test_raw_gives_back_every_pixel_exactly(mean: float, std: float):
    inputs = normalize(ALL_PIXELS, mean, std)
    before = inputs.clone()
    raw = data_of(inputs, mean, std).raw(inputs)
    assert raw.dtype == torch.float32
    assert torch.equal(raw, ALL_PIXELS.float())
    assert torch.equal(inputs, before)


def test_first_per_class_is_its_definition():
    labels = torch.randint(10, (400,), generator=torch.Generator().manual_seed(1))
    expected = [i for c in range(10) for i in [i for i, y in enumerate(labels.tolist()) if y == c][:7]]
    assert first_per_class(labels, 7).tolist() == expected


def test_first_per_class_leaves_out_classes_that_do_not_occur():
    assert first_per_class(torch.tensor([5, 2, 5]), 1).tolist() == [1, 0]


def test_first_per_class_refuses_a_scarce_class():
    with pytest.raises(LazyRegimeError, match=r"per_class is 2, but class 4 has 1 of the 5 samples. Give at most 1"):
        first_per_class(torch.tensor([3, 3, 4, 7, 7]), 2)


def test_first_per_class_refuses_none():
    with pytest.raises(LazyRegimeError, match="per_class is 0; give at least 1"):
        first_per_class(torch.tensor([0, 1]), 0)


def test_examples_in_docstrings():
    failed, attempted = doctest.testmod(_classification)
    assert (failed, attempted > 0) == (0, True)
