"""Modular addition against its definition."""

import itertools

import pytest
import torch

from lazyregime.data import modular_addition
from lazyregime.errors import LazyRegimeError


def test_all_sequences_are_there_once_with_their_sums():
    data = modular_addition(modulus=5, terms=3, n_train=60, n_validation=20, n_test=45)
    parts = [(data.train_inputs, data.train_labels), (data.validation_inputs, data.validation_labels)]
    x, y = (torch.cat(each) for each in zip(*parts, (data.test_inputs, data.test_labels), strict=True))
    assert x.dtype == torch.int64
    assert sorted(map(tuple, x.tolist())) == list(itertools.product(range(5), repeat=3))
    assert y.tolist() == [sum(sequence) % 5 for sequence in x.tolist()]
    assert data.n_outputs == 5


def test_more_training_sequences_leave_the_others_as_they_are():
    few, many = (modular_addition(n_train=n, n_test=50) for n in (10, 200))
    assert torch.equal(few.test_inputs, many.test_inputs)
    assert torch.equal(few.train_inputs, many.train_inputs[:10])
    assert not torch.equal(few.train_inputs, modular_addition(n_train=10, n_test=50, data_seed=1).train_inputs)


def test_one_hot_is_the_indicator_of_each_term():
    tokens, indicators = (
        modular_addition(modulus=5, n_train=20, n_test=9, one_hot=one_hot) for one_hot in (False, True)
    )
    assert indicators.train_inputs.shape == (20, 15)
    assert torch.equal(indicators.train_inputs.unflatten(1, (3, 5)).argmax(2), tokens.train_inputs)
    assert torch.equal(indicators.train_inputs.sum(1), torch.full((20,), 3.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modulus": 1}, "modulus=1"),
        ({"terms": 0}, "terms=0"),
        ({"n_train": 0}, "n_train=0"),
        ({"modulus": 5, "terms": 2, "n_train": 20, "n_test": 6}, "is 26, and there are 25 sequences"),
        ({"modulus": 1000, "terms": 9}, "of at most 16777216 sequences"),
        ({"data_seed": -1}, "data_seed=-1"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(LazyRegimeError, match=message):
        modular_addition(**options)
