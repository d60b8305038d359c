"""Mean and standard error against a closed form."""

import math

import pandas as pd
import pytest

from lazyregime.reports.tables.summary import estimate


def test_mean_and_standard_error_of_an_arithmetic_sequence() -> None:
    found = estimate(pd.Series(range(1, 11)))  # variance n (n + 1) / 12 for 1..n
    assert found.mean == pytest.approx(5.5)
    assert found.error == pytest.approx(math.sqrt(10 * 11 / 12 / 10))
    assert found.count == 10


def test_what_was_not_measured_does_not_count() -> None:
    found = estimate(pd.Series([0.5, None, float("nan"), 0.7, float("inf")]))
    assert (found.mean, found.count) == (pytest.approx(0.6), 2)
    assert found.error == pytest.approx(0.1)


def test_one_seed_has_no_standard_error() -> None:
    found = estimate(pd.Series([0.5]))
    assert (found.mean, found.count) == (0.5, 1)
    assert math.isnan(found.error)
    assert estimate(pd.Series([], dtype=float)).count == 0
