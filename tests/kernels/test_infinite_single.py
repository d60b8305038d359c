"""Infinite kernels in float32: as close to those in float64 as they say, and where they would not be, not float32."""

import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import InfiniteCNN, InfiniteMLP
from lazyregime.kernels.infinite import InfiniteNetwork, _sides
from lazyregime.kernels.infinite.layers import AveragePool, Conv, Dense, LayerNorm, Pointwise, Residual

BLOCK = Residual((LayerNorm(), Pointwise("relu"), Conv(3, "same")))
KERNELS = {
    "cntk": lambda dtype: InfiniteCNN(depth=3, padding="same", bias=False, dtype=dtype),
    "deep": lambda dtype: InfiniteCNN(depth=10, padding="same", dtype=dtype),
    "valid": lambda dtype: InfiniteCNN(depth=2, dtype=dtype),
    "wide filters": lambda dtype: InfiniteCNN(depth=1, kernel_size=7, padding="same", dtype=dtype),
    "pooled": lambda dtype: InfiniteCNN(depth=2, pooling="average", dtype=dtype),
    "erf": lambda dtype: InfiniteMLP(activation="erf", dtype=dtype),
    "tanh": lambda dtype: InfiniteMLP(activation="tanh", dtype=dtype),
    "standard": lambda dtype: InfiniteMLP(parameterization="standard", width=100, dtype=dtype),
    "residual": lambda dtype: InfiniteNetwork((Conv(3, "same"), BLOCK, AveragePool(), Dense()), dtype=dtype),
}


def images(n, seed):
    return torch.randn(n, 3, 6, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", KERNELS)
def test_entries_are_those_of_float64_to_a_millionth(name):
    x, y = images(9, 0), images(14, 1)
    for other in (None, y):
        for right, single in zip(
            KERNELS[name]("float64").kernels(x, other), KERNELS[name]("float32").kernels(x, other), strict=True
        ):
            assert 0 < (single - right).abs().max() < 3e-6 * right.abs().max()  # not the same computation


@pytest.mark.parametrize("name", ["cntk", "pooled", "standard"])
def test_images_that_are_alike_have_the_entry_of_float64(name):
    x = images(6, 0)
    y = torch.cat([images(4, 1), x[2:4], x[5:] * (1 + 1e-7) + 1e-6 * images(1, 3)])
    alike = (torch.tensor([2, 3, 5]), torch.tensor([4, 5, 6]))
    double, single_precision = (KERNELS[name](dtype) for dtype in ("float64", "float32"))
    for right, single in zip(double.kernels(x, y), single_precision.kernels(x, y), strict=True):
        # images 1e-6 apart magnify the rounding of float64 a million times; float32 would err by 1e-4
        torch.testing.assert_close(single[alike], right[alike], rtol=1e-9, atol=0)
    for right, single in zip(double.kernels(x), single_precision.kernels(x), strict=True):
        torch.testing.assert_close(single.diagonal(), right.diagonal(), rtol=1e-12, atol=0)


def test_without_that_they_would_be_off_by_more(monkeypatch):
    monkeypatch.setattr(_sides, "_ALIKE", -1.0)  # none is alike
    with pytest.raises(LazyRegimeError, match="dtype=float64"):
        KERNELS["cntk"]("float32").kernels(images(6, 0))


def test_what_float32_cannot_hold_is_refused():
    with pytest.raises(LazyRegimeError, match="dtype=float64"):
        KERNELS["cntk"]("float32").kernels(images(6, 0) * 1e20)
    with pytest.raises(LazyRegimeError, match="choose float64 or float32"):
        InfiniteCNN(dtype="float16")
