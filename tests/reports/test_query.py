"""A condition on runs selects what the same condition in pandas does, and what is no condition is a sentence."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyregime.errors import LazyRegimeError
from lazyregime.reports.listing import chosen, shown
from lazyregime.reports.query import select

RUNS = pd.DataFrame(
    {
        "path": list("abcdef"),
        "regime": ["lazy", "lazy", "feature", "regular", None, "lazy"],
        "width": [64, 512, 1024, 64, 512, float("nan")],
        "status": ["complete"] * 5 + ["failed"],
        "test_accuracy": [0.5, 0.9, 0.7, 0.8, 0.6, float("nan")],
        "config.optimizer.lr": [0.1, 0.01, 0.1, 0.001, 0.1, 0.1],
        "config.arch.bias": [True, False, True, True, None, False],
    }
)


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("regime=lazy and width>=512", "b"),
        ("regime == lazy", "abf"),
        ("regime != lazy", "cd"),  # of nothing nothing holds
        ("not regime=lazy", "cde"),
        ("width<512 or test_accuracy>.75", "abd"),
        ("64 < width <= 1024", "bce"),
        ("512 <= width", "bce"),
        ("optimizer.lr = .1", "acef"),
        ("config.optimizer.lr = 0.01", "b"),
        ("regime in [lazy, feature] and status=complete", "abc"),
        ("regime not in [lazy]", "cd"),
        ("arch.bias=true", "acd"),
        ("arch.bias='false'", "bf"),
        ("(regime=lazy or regime=feature) and not width=512", "acf"),
        ("width > -1", "abcde"),
    ],
)
def test_the_rows_for_which_it_holds(where, rows):
    assert "".join(select(RUNS, where).path) == rows


@given(st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), st.floats(-2, 2), st.sampled_from(["and", "or"]))
def test_numbers_are_compared_as_pandas_does(how, value, joined):
    table = pd.DataFrame({"a": np.linspace(-2, 2, 17), "b": np.linspace(2, -2, 17) ** 3})
    expected = table.query(f"a {'==' if how == '=' else how} {value!r} {joined} b > {value!r}")
    pd.testing.assert_frame_equal(select(table, f"a{how}{value!r} {joined} b>{value!r}"), expected)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("widht=3", "did you mean width"),
        ("regime", "is no comparison"),
        ("width >= wide", "is no number"),
        ("width=", "cannot be read"),
        ("__import__('os').system('touch /canary')", "is no comparison"),
        ("().__class__ = 3", "is no column"),
        ("width = open('x')", "neither a number nor a word"),
        ("width is 3", "compares by"),
        ("(" * 500 + "width=3" + ")" * 500, "cannot be read"),
        ("width=3 or " * 1000, "at most 2000"),
        ("\0", "cannot be read"),
    ],
)
def test_what_is_no_condition_is_a_sentence(where, told):
    with pytest.raises(LazyRegimeError, match=told):
        select(RUNS, where)


def test_sorted_with_what_is_unknown_last():
    assert "".join(chosen(RUNS, sort="test_accuracy").path) == "bdceaf"
    assert "".join(chosen(RUNS, sort="-test_accuracy").path) == "aecdbf"
    assert "".join(chosen(RUNS, "status=complete", sort="regime").path) == "cabde"
    with pytest.raises(LazyRegimeError, match="did you mean test_accuracy"):
        chosen(RUNS, sort="test_acc")


def test_the_columns_in_which_runs_differ():
    headings, rows = shown(RUNS)
    assert headings == ["path", "status", "width", "regime", "test_accuracy"]
    assert rows[0] == ["a", "complete", "64", "lazy", "0.500"] and rows[5] == ["f", "failed", "", "lazy", ""]
    assert shown(RUNS, ["optimizer.lr"])[0] == ["optimizer.lr"]
