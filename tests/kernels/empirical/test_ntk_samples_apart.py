"""Whatever a network does with its batch, each entry is the kernel of two samples alone, or there is a refusal."""

import re

import pytest
import torch
from ntk_reference import check_right, ntk, relative_error
from odd_networks import ODD, WARNINGS

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import empirical_ntk, explain
from lazyregime.kernels.empirical import _ntk, _remembered

pytestmark = pytest.mark.filterwarnings(*WARNINGS)


@pytest.mark.parametrize("name", ODD)
def test_the_kernel_is_that_of_samples_alone_or_refused(name):
    odd = ODD[name]
    model, x = odd.build()
    if odd.expect == "refused":
        with pytest.raises(LazyRegimeError):
            empirical_ntk(model, x)
        return
    try:
        given = empirical_ntk(model, x)
    except LazyRegimeError:
        assert odd.expect == "either"
        return
    default = torch.get_default_dtype()
    try:
        expected = ntk(model, x, None, "trace")
    finally:
        torch.set_default_dtype(default)
    check_right(given, expected, odd.dtype)


PROVEN = ["sequence first", "merged with time", "experts by mask", "row numbers", "positions, repeated", "attention"]
PROVEN += ["instance norm", "instance norm, training", "encoder, batch second", "keeps a constant", "counts", "sparse"]
PROVEN += ["parameter hook", "hook before", "in place", "shared", "Fourier", "LSTM", "GRU", "dropout of nothing"]


@pytest.mark.parametrize("name", PROVEN)
def test_ordinary_networks_are_shown_to_treat_samples_apart(name):
    model, x = ODD[name].build()
    said = str(explain(model, x))
    assert "samples is not known" not in said and "may mix samples" not in said, said
    assert "number of samples" not in said and "values of samples" not in said, said


SAYS = {
    "sorts": "sort may mix samples",
    "experts": r"depends on the values of samples \(nonzero\)",
    "branch on a list": r"values of samples \(tolist\)",
    "straight through": "the backward pass of RoundedBackward is not known",
    "one by one": "other operations for another number of samples",
}


@pytest.mark.parametrize("name", SAYS)
def test_explain_says_why_samples_are_evaluated_alone(name):
    torch.manual_seed(0)
    model, x = ODD[name].build()
    with_reason = str(explain(model, x))
    assert "fallback" in with_reason
    assert re.search(SAYS[name], with_reason), with_reason


def test_a_path_of_later_samples_sends_all_parameters_through_the_fallback():
    torch.manual_seed(0)
    layers = torch.nn.ModuleList(torch.nn.Linear(3, 2) for _ in range(2))

    class Later(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = layers

        def forward(self, x):
            return self.layers[0](x) + (self.layers[1](x) - self.layers[1](x.flip(0)).flip(0) if len(x) > 3 else 0)

    x = torch.randn(9, 3, dtype=torch.float64)
    model = Later().double()
    assert relative_error(empirical_ntk(model, x), ntk(model, x, None, "trace")) < 1e-12


@pytest.mark.parametrize("name", ["shared", "tied", "weight norm", "keeps a constant", "positions, repeated", "LSTM"])
def test_what_is_shown_on_three_samples_is_shown_of_the_others_too(name, monkeypatch):
    _remembered.forget()  # of the same network in another test
    surveys = []
    survey = _ntk.survey
    monkeypatch.setattr(_ntk, "survey", lambda *given: surveys.append(given) or survey(*given))
    model, x = ODD[name].build()
    empirical_ntk(model, x, memory_budget=64 << 20)
    assert len(surveys) == 1
