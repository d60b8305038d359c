"""Chunks, memory, precision, progress, and what happens when memory runs out."""

import pytest
import torch
from ntk_reference import chunked, ntk, relative_error
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import empirical_ntk, explain
from lazyregime.kernels.empirical import _chain, _engine, _plan
from lazyregime.networks import CNN, MLP


def make(dtype: torch.dtype = torch.float64) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = CNN(width=3, image_size=9, n_outputs=3).to(dtype)
    return model, torch.randn(7, 1, 9, 9, dtype=dtype), torch.randn(11, 1, 9, 9, dtype=dtype)


@pytest.mark.parametrize("outputs", ["trace", "full", "diagonal"])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 1, 1), (3, 2, 1), (5, 3, 2), (7, 11, 11)])
def test_any_chunking_is_the_same_kernel(outputs, symmetric, sizes):
    model, x1, x2 = make()
    other = None if symmetric else x2
    whole = empirical_ntk(model, x1, other, outputs=outputs)
    seen = []
    with chunked(sizes):
        given = empirical_ntk(
            model, x1, other, outputs=outputs, progress=lambda done, total: seen.append((done, total))
        )
    assert relative_error(given, whole) < 1e-13
    pairs = 7 * 8 // 2 if symmetric else 7 * 11
    assert seen[-1] == (pairs, pairs)
    assert seen == sorted(set(seen))
    if sizes[0] < 7:
        assert len(seen) > 1


@pytest.mark.parametrize("symmetric", [True, False])
def test_out_of_memory_halves_the_chunks_and_goes_on(monkeypatch, symmetric):
    model, x1, x2 = make()
    other = None if symmetric else x2
    whole = empirical_ntk(model, x1, other)
    factors, refused = _engine.Engine.factors, []

    def limited(self, x, into=None):
        if len(x) > 2 or (len(refused) == 1 and torch.rand(()) < 0.5):
            refused.append(len(x))
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return factors(self, x, into)

    monkeypatch.setattr(_engine.Engine, "factors", limited)
    assert relative_error(empirical_ntk(model, x1, other), whole) < 1e-13
    assert refused
    monkeypatch.setattr(_engine.Engine, "factors", lambda self, x, into=None: limited(self, torch.cat([x] * 3)))
    with pytest.raises(LazyRegimeError, match="out of memory even with one sample"):
        empirical_ntk(model, x1, other)


def test_accumulation_in_float64_keeps_what_float32_loses():
    torch.manual_seed(0)
    model = MLP(width=64, in_features=10, n_outputs=10, depth=6)
    x = torch.randn(12, 10)
    exact = ntk(model, x, None, "trace")
    double = empirical_ntk(model, x, accumulate=torch.float64)
    assert double.dtype == torch.float64
    assert relative_error(double, exact) < relative_error(empirical_ntk(model, x), exact)
    half = empirical_ntk(model.double(), x.double(), accumulate=torch.float32)
    assert half.dtype == torch.float32


@pytest.mark.parametrize("outputs", ["trace", "full", "diagonal"])
def test_bfloat16_only_if_asked_and_within_the_stated_error(outputs):
    model, x1, x2 = make(torch.float32)
    exact = ntk(model, x1, x2, outputs)
    assert relative_error(empirical_ntk(model, x1, x2, outputs=outputs), exact) < 1e-5
    assert 1e-5 < relative_error(empirical_ntk(model, x1, x2, outputs=outputs, precision="bf16"), exact) < 6e-3
    with pytest.raises(LazyRegimeError, match="precision='bf16' is for float32 models"):
        empirical_ntk(model.double(), x1.double(), precision="bf16")


def test_the_switches_of_pytorch_are_left_as_they_were():
    model, x1, _ = make(torch.float32)
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    for precision in ("full", "tf32"):
        empirical_ntk(model, x1, precision=precision)
        assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before


def test_no_gradient_is_left_behind_and_no_grad_is_no_obstacle():
    model, x1, x2 = make()
    with torch.inference_mode():
        inside = empirical_ntk(model, x1.clone(), x2)
    with torch.no_grad():
        assert torch.equal(empirical_ntk(model, x1.requires_grad_(), x2), inside)
    assert all(p.grad is None for p in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_explain_names_the_cheaper_form():
    wide, narrow = nn.Conv2d(40, 30, 3), nn.Conv2d(2, 3, 3)
    few, many = torch.randn(4, 40, 4, 4), torch.randn(4, 2, 12, 12)
    assert "(gram)" in str(explain(wide, few))
    assert "(gradients)" in str(explain(narrow, many))


def test_long_sums_in_single_precision_lose_no_digits():
    """650,000 numbers, most of one sign; added up one after the other they were off by 1.6e-6."""
    torch.manual_seed(0)
    layer, x = nn.Linear(64, 100), torch.randn(8, 64)
    expected = 100 * (x.double() @ x.double().T + 1)
    assert relative_error(empirical_ntk(layer, x, rules="none"), expected) < 3e-7


class Series(nn.Module):
    """A sequence read at its end by a layer that is no readout."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.GRU(4, 5, batch_first=True), nn.Linear(5, 37)

    def forward(self, x):
        return torch.tanh(self.out(self.rnn(x)[0][:, -1]))


@pytest.mark.parametrize("fails_at", [None, 3])
@pytest.mark.parametrize("make", [lambda: MLP(width=6, in_features=12, n_outputs=37), Series])
def test_many_outputs_come_in_windows_whose_terms_add_up(make, fails_at, monkeypatch):
    monkeypatch.setattr(_plan, "_LARGE", 0)
    monkeypatch.setattr(_chain, "_SMALL", 0)
    torch.manual_seed(0)
    model = make().double()
    x, z = (torch.randn(n, 12).double() for n in (5, 4))
    if isinstance(model, Series):
        x, z = x.view(5, 3, 4), z.view(4, 3, 4)
    assert "37 outputs, 8 at a time" in str(explain(model, x, z))
    calls, factors = [], _engine.Engine.factors

    def short_of_memory(self, *given):
        calls.append(1)
        if len(calls) == fails_at:
            raise torch.OutOfMemoryError("for a test")
        return factors(self, *given)

    monkeypatch.setattr(_engine.Engine, "factors", short_of_memory)
    for other in (z, None):
        calls.clear()
        given = empirical_ntk(model, x, other)
        assert relative_error(given, ntk(model, x, other, "trace")) < 1e-10
        assert len(calls) >= 5
        if fails_at is None:
            assert torch.equal(empirical_ntk(model, x, other, memory_budget=20 << 20), given)
