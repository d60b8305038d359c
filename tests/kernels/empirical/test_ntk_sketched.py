"""Sketches are unbiased for each parameter by itself, and their intervals hold the kernel as often as they say."""

import copy

import pytest
import torch
from ntk_reference import ntk
from odd_networks import ODD, WARNINGS
from scipy.stats import binom
from small_networks import build
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import sketched_ntk

pytestmark = pytest.mark.filterwarnings(*WARNINGS)


def convolutions() -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(2, 4, 3, groups=2, stride=2, padding=1), nn.GroupNorm(2, 4), nn.Tanh(), nn.Flatten(),
        nn.Linear(36, 6, bias=False), nn.PReLU(6), nn.Linear(6, 20),
    )  # fmt: skip
    return nn.Sequential(*layers).double(), torch.randn(3, 2, 6, 6, dtype=torch.float64)


NETWORKS = {
    "convolutions in groups, PReLU": convolutions,
    "GPT": lambda: build("GPT"),
    "ResNet": lambda: build("ResNet"),
    "tied": ODD["tied"].build,
    "sorts": ODD["sorts"].build,
    "LSTM": ODD["LSTM"].build,
}


@pytest.mark.parametrize("network", NETWORKS)
def test_each_parameter_by_itself_is_estimated_without_bias(network):
    """Within five standard errors, of which each is a few per cent; of a large network, a few of the parameters."""
    model, x = NETWORKS[network]()
    x = x[:2]
    names = [name for name, _ in model.named_parameters()]
    for name in names[:: max(1, len(names) // 4)]:
        other = copy.deepcopy(model).requires_grad_(False)
        other.get_parameter(name).requires_grad_(True)
        exact = ntk(other, x, None, "trace")
        if exact.norm() == 0:  # as the bias of attention's keys
            continue
        given = sketched_ntk(model, x, num_probes=800, size=3, params=[name])
        # What an odd draw, or one that is exact, leaves of rounding.
        allowed = 5 * given.error + 1e-10 * exact.abs().max()
        assert ((given.kernel - exact).abs() <= allowed).all(), name
        assert given.error.max() < 0.08 * exact.abs().max(), name


def test_few_probes_for_many_outputs():
    """Then each mixture of the outputs has a backward pass; else each output has one."""
    model, x = convolutions()
    exact, sketches = ntk(model, x, None, "trace"), [sketched_ntk(model, x, num_probes=9, seed=s) for s in range(24)]
    kernels = torch.stack([s.kernel for s in sketches])
    assert ((kernels.mean(0) - exact).abs() < 5 * kernels.std(0) / 24**0.5).all()
    errors = torch.stack([s.error for s in sketches]).square().mean(0)  # of the variance without bias
    assert (errors / kernels.var(0)).log().abs().max() < 1.5


def coverage(name: str, num_sketches: int, **options: int) -> int:
    """How many of the 95% intervals for the entry of the first two samples, chosen beforehand, hold it."""
    model, x = build(name)
    exact = ntk(model, x[:2], None, "trace")[0, 1]
    hits = 0
    for seed in range(num_sketches):
        low, high = sketched_ntk(model, x, seed=seed, **options).interval()
        hits += bool(low[0, 1] <= exact <= high[0, 1])
    return hits


def test_intervals_hold_the_kernel_nearly_as_often_as_they_say():
    """At least the 0.001 quantile of the binomial distribution."""
    assert coverage("ResNet", 24, num_probes=128) >= binom.ppf(1e-3, 24, 0.95)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GPT", "ResNet"])
def test_of_200_intervals_93_to_97_per_cent_hold_the_kernel(name):
    assert 186 <= coverage(name, 200) <= 194


def test_the_same_sketch_whatever_the_batch_and_the_memory():
    model, x = build("ResNet")
    whole = sketched_ntk(model, x, num_probes=20, seed=3)
    torch.testing.assert_close(
        sketched_ntk(model, x, num_probes=20, seed=3, memory_budget=1 << 16).kernel, whole.kernel
    )
    parts = sketched_ntk(model, x[:1], x[1:], num_probes=20, seed=3)
    torch.testing.assert_close(parts.kernel, whole.kernel[:1, 1:])
    torch.testing.assert_close(parts.error, whole.error[:1, 1:])
    assert torch.linalg.eigvalsh(whole.kernel).min() > -1e-9
    assert not torch.allclose(sketched_ntk(model, x, num_probes=20, seed=4).kernel, whole.kernel, rtol=1e-3)


def test_single_precision_is_enough():
    model, x = build("ResNet")
    exact = sketched_ntk(model, x, num_probes=20)
    single = sketched_ntk(model.float(), x.float(), num_probes=20)
    torch.testing.assert_close(single.kernel, exact.kernel, rtol=1e-3, atol=1e-3)


def test_refusals():
    model, x = build("ResNet")
    with pytest.raises(LazyRegimeError, match="num_probes is 1; it must be a whole number of at least 2"):
        sketched_ntk(model, x, num_probes=1)
    with pytest.raises(LazyRegimeError, match="seed is -1"):
        sketched_ntk(model, x, seed=-1)
    with pytest.raises(LazyRegimeError, match="confidence is 95"):
        sketched_ntk(model, x, num_probes=2).interval(95.0)
    with pytest.raises(LazyRegimeError, match="more than is free"):
        sketched_ntk(model, x, num_probes=10**9)
    with pytest.raises(LazyRegimeError, match="have no rule, and their gradients of 2 outputs"):
        sketched_ntk(*ODD["sorts"].build(), memory_budget=1000)
    with pytest.raises(LazyRegimeError, match=r"call model\.eval"):
        sketched_ntk(nn.Sequential(nn.Linear(4, 4), nn.Dropout()), torch.randn(3, 4))
