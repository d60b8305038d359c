"""A result is written and read by the same code, whatever it holds."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from results import all_kinds, head, train_result

from lazyregime.errors import LazyRegimeError
from lazyregime.runs.kinds import TrainResult, result_of

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=9)


def stored(result):
    """By way of the file's text."""
    text = json.dumps({"status": "complete", **result.flat}, allow_nan=False)
    return result_of(json.loads(text))


@pytest.mark.parametrize("result", all_kinds(), ids=lambda r: type(r).__name__)
def test_a_result_comes_back_as_it_was(result):
    assert stored(result) == result


@given(st.dictionaries(st.text(max_size=9).map("m_".__add__), SCALARS, max_size=5))
def test_measures_come_back_whatever_they_are(measures):
    result = train_result(**measures)
    assert stored(result) == result
    lost = [k for k, v in measures.items() if isinstance(v, float) and math.isinf(v)]
    assert list(result.non_finite) == lost and all(result[k] is None for k in lost)


def test_a_number_that_json_has_not_is_null_and_named_at_once():
    result = train_result(a=float("nan"), b=1.0, c=-np.inf)
    assert (result["a"], result["b"], result["c"]) == (None, 1.0, None)
    assert result.non_finite == ("a", "c")


def test_scalars_of_numpy_and_torch_are_plain_numbers():
    result = train_result(i=np.int64(3), f=np.float32(0.5), b=np.bool_(True), t=torch.tensor(0.25), n=torch.tensor(2))
    assert [type(result[key]) for key in "ifbtn"] == [int, float, bool, float, int]


@pytest.mark.parametrize("measure", [[1], {"a": 1}, object()])
def test_a_measure_is_one_number_or_word(measure):
    with pytest.raises(LazyRegimeError, match="one number or word"):
        train_result(a=measure)


def test_it_is_a_mapping_of_its_flat_scalars():
    result = train_result(test_accuracy=0.5)
    assert result["test_accuracy"] == 0.5 and result["width"] == 8 and result["id"] == "12345678"
    assert "nothing" not in result and result.get("nothing") is None
    assert dict(result)["regime"] == "lazy"


def test_the_version_before_is_read():
    """No schema, no checksums; what it did not say is None."""
    old = {"status": "complete", "command": "train", "name": "n", "id": "i", "group": "g", "seconds": 1, "host": "h"}
    old |= {"device": "cpu", "num_threads": 2, "started": "s", "finished": "f", "kernel_change": 0.5, "test_loss": None}
    old |= {key: "x" for key in ("regime", "arch", "loss", "optimizer", "data")}
    result = result_of(old)
    assert isinstance(result, TrainResult) and result.schema == 1
    assert result.measures == {"kernel_change": 0.5, "test_loss": None} and result.checksums == {}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "failed"}, "status"),
        ({"command": "rm"}, "command"),
        ({"command": ["train"]}, "command"),
        ({"seconds": "1"}, "seconds"),
        ({"width": [1]}, "width"),
        ({"versions": 3}, "versions"),
        ({"versions": {"torch": ["2"]}}, "versions"),
        ({"warnings": [{}]}, "warnings"),
        ({"checksums": {"config.yaml": None}}, "checksums"),
        ({"anything": {"deep": 1}}, "anything"),
        ({"id": None}, "id"),
    ],
)
def test_what_is_no_result_says_why(change, why):
    content = {"status": "complete", **train_result().flat, **change}
    with pytest.raises(LazyRegimeError, match=why):
        result_of(content)


def test_what_every_run_says_is_needed():
    for key in ("name", "id", "seconds", "regime", "started"):
        content = {"status": "complete", **train_result().flat}
        del content[key]
        with pytest.raises(LazyRegimeError, match=f"does not say its {key}"):
            result_of(content)
    assert head("train")["which"].command == "train"
