"""Tiles follow from a model of the device: here GPUs that are not there, on which nothing else may change."""

import pytest
import torch
from ntk_reference import ntk, relative_error

from lazyregime.kernels import empirical_ntk, explain
from lazyregime.kernels.empirical import _chain, _plan
from lazyregime.kernels.empirical._device import CPU, device_model, gpu
from lazyregime.networks import CNN, MLP

CARD = gpu(80 << 30)


@pytest.fixture
def on_a_card(monkeypatch):
    monkeypatch.setattr(_plan, "device_model", lambda device: CARD)


def plans(model, monkeypatch, *sizes, budget=40 << 30):
    """On the CPU and on the card; the samples are never looked at, but for three."""
    x = [torch.randn(3, *shape).expand(3, *shape).repeat(-(-n // 3), *[1] * len(shape))[:n] for n, shape in sizes]
    found = []
    for device in (CPU, CARD):
        monkeypatch.setattr(_plan, "device_model", lambda _, device=device: device)
        found.append(explain(model, *x, memory_budget=budget).plan)
    return found


@pytest.mark.parametrize("outputs", ["trace", "full", "diagonal"])
@pytest.mark.parametrize("make", [lambda: MLP(width=9, in_features=12), lambda: CNN(width=3, image_size=12)])
def test_kernels_are_right_whatever_the_tiles(make, outputs, on_a_card, monkeypatch):
    monkeypatch.setattr(_chain, "_SMALL", 0)
    torch.manual_seed(0)
    model = make().double()
    shape = (12,) if isinstance(model, MLP) else (1, 12, 12)
    x, z = torch.randn(7, *shape).double(), torch.randn(5, *shape).double()
    for other in (z, None):
        assert relative_error(empirical_ntk(model, x, other, outputs=outputs), ntk(model, x, other, outputs)) < 1e-10


def test_a_card_holds_what_a_core_streams(monkeypatch):
    core, card = plans(CNN(width=32), monkeypatch, (300, (1, 28, 28)), (500, (1, 28, 28)))
    assert (core.record, core.batched) == (24, False)
    assert card.record >= 800 and card.together and card.batched  # both sides at once, all outputs in one backward pass
    assert card.launches * 100 < core.launches
    core, card = plans(MLP(width=1024), monkeypatch, (20_000, (784,)))
    assert (core.record, card.record) == (336, 8184) and card.stream == 8184 and card.hold >= 20_000
    assert card.launches * 15 < core.launches and card.bytes_read * 15 < core.bytes_read


@pytest.mark.parametrize("budget", [8 << 30, 1 << 30, 128 << 20])
def test_a_card_of_which_little_is_free_gets_smaller_tiles(budget, monkeypatch):
    for sizes in (((3000, (1, 28, 28)),), ((300, (1, 28, 28)), (500, (1, 28, 28)))):
        _, card = plans(CNN(width=32), monkeypatch, *sizes, budget=budget)
        assert card.peak <= budget


def test_results_do_not_depend_on_what_is_free_of_a_card(on_a_card):
    torch.manual_seed(0)
    model, x, z = CNN(width=4), torch.randn(60, 1, 28, 28), torch.randn(70, 1, 28, 28)
    given = empirical_ntk(model, x, z, memory_budget=4 << 30)
    assert torch.equal(empirical_ntk(model, x, z, memory_budget=3 << 30), given)
    assert relative_error(empirical_ntk(model, x, z, memory_budget=100 << 20), given.double()) < 1e-5


def test_devices_that_nobody_has_looked_at_are_taken_for_a_core():
    assert device_model(torch.device("cpu")) is CPU and device_model(torch.device("mps")) is CPU


def test_explain_counts_calls_and_bytes():
    text = str(explain(CNN(width=4), torch.randn(20, 1, 28, 28)))
    assert "operations called" in text and "GiB of factors read" in text
