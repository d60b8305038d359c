"""The budget is a promise, fallback included; and its value does not change a bit of the kernel."""

import json
import subprocess
import sys
from pathlib import Path

import peak_of_memory
import pytest
import torch
from odd_networks import ODD

from lazyregime.kernels import empirical_ntk
from lazyregime.networks import CNN, MLP

SCRIPT = Path(__file__).with_name("peak_of_memory.py")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_peak_stays_under_the_budget_for_twelve_architectures_and_three_budgets():
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT)], check=True, capture_output=True, text=True
    ).stdout
    found = [json.loads(line) for line in printed.splitlines()]
    assert [line["name"] for line in found] == list(peak_of_memory.NETWORKS)
    for line in found:
        assert all(peak <= budget for peak, budget in zip(line["peaks"], peak_of_memory.BUDGETS, strict=True)), line
        assert line["same"], line
    # It is the budget that keeps the peak low: some of these take more when they may.
    assert sum(line["peaks"][0] > peak_of_memory.BUDGETS[-1] for line in found) >= 4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("outputs", ["trace", "full", "diagonal"])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("make", [lambda: MLP(width=64, in_features=30), lambda: CNN(width=4, image_size=12)])
def test_the_value_of_the_budget_does_not_change_a_bit(make, outputs, symmetric, dtype):
    torch.manual_seed(0)
    model = make().to(dtype)
    shape = (30,) if isinstance(model, MLP) else (1, 12, 12)
    x1, x2 = torch.randn(101, *shape, dtype=dtype), torch.randn(53, *shape, dtype=dtype)
    other = None if symmetric else x2
    budgets = [None, 4 << 30, 64 << 20, 48 << 20, 32 << 20]
    kernels = [empirical_ntk(model, x1, other, outputs=outputs, memory_budget=budget) for budget in budgets]
    assert all(torch.equal(kernel, kernels[0]) for kernel in kernels)


@pytest.mark.parametrize("name", ["sorts", "LSTM, float32", "shared", "view", "attention"])
def test_nor_for_odd_networks(name):
    model, x = ODD[name].build()
    x = x.repeat(9, *[1] * (x.ndim - 1))
    kernels = [empirical_ntk(model, x, memory_budget=megabytes << 20) for megabytes in (4000, 40, 20)]
    assert all(torch.equal(kernel, kernels[0]) for kernel in kernels)
