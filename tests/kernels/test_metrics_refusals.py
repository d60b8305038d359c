"""Metrics of what is no kernel: a sentence, never a number; and kernels at scales where squares would overflow."""

import subprocess
import sys

import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import metrics

X = torch.randn(20, 5, generator=torch.Generator().manual_seed(0)).double()
K, L = torch.exp(-(torch.cdist(X, X) ** 2) / 4), torch.exp(-(torch.cdist(X, X) ** 2))
EYE = torch.eye(20).double()
Y = X[:, :2]
LABELS = torch.arange(20) % 3

OF_ONE = {
    "effective_rank": metrics.effective_rank,
    "participation_ratio": metrics.participation_ratio,
    "target_alignment": lambda k: metrics.target_alignment(k, LABELS),
    "centred_alignment": lambda k: metrics.centred_alignment(k, LABELS),
    "cumulative_power": lambda k: metrics.cumulative_power(k, LABELS),
    "cka first": lambda k: metrics.cka(k, K),
    "cka second": lambda k: metrics.cka(K, k),
}


@pytest.mark.parametrize("name", OF_ONE)
@pytest.mark.parametrize("indefinite", [K - 2 * L, -K, L - 1.2 * EYE, torch.diag(torch.tensor([1.0] * 19 + [-0.06]))])
def test_an_indefinite_matrix_is_refused(name, indefinite):
    with pytest.raises(LazyRegimeError, match=r"not positive semi-definite|trace"):
        OF_ONE[name](indefinite)


@pytest.mark.parametrize("name", OF_ONE)
def test_a_kernel_with_the_rounding_of_float32_is_none_of_them(name):
    j = torch.randn(300, 40, generator=torch.Generator().manual_seed(1))
    k = (j @ j.T).double()  # rank 40: its small eigenvalues are rounding, of both signs
    assert float(torch.linalg.eigvalsh(k)[0]) < 0
    other = {
        "effective_rank": metrics.effective_rank,
        "participation_ratio": metrics.participation_ratio,
        "target_alignment": lambda k: metrics.target_alignment(k, torch.arange(300) % 3),
        "centred_alignment": lambda k: metrics.centred_alignment(k, torch.arange(300) % 3),
        "cumulative_power": lambda k: metrics.cumulative_power(k, torch.arange(300) % 3),
        "cka first": lambda k: metrics.cka(k, torch.eye(300)),
        "cka second": lambda k: metrics.cka(torch.eye(300), k),
    }[name]
    exact = j.double() @ j.double().T
    for one, same in zip(*(torch.as_tensor(other(m)).reshape(-1)[:40] for m in (k, exact)), strict=True):
        assert float(one) == pytest.approx(float(same), rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-9, 7e3])
def test_a_constant_kernel_has_no_centred_alignment(dtype, value):
    constant = torch.full((20, 20), value, dtype=dtype)
    for call in (
        lambda: metrics.cka(constant, K),
        lambda: metrics.cka(K, constant),
        lambda: metrics.centred_alignment(constant, LABELS),
    ):
        with pytest.raises(LazyRegimeError, match=r"all samples are alike|trace"):
            call()
    with pytest.raises(LazyRegimeError, match="all targets are alike"):
        metrics.centred_alignment(K, torch.full((20,), 0.1, dtype=torch.float64))


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200, 1e300])
def test_metrics_do_not_depend_on_the_scale(scale):
    for call in (
        *OF_ONE.values(),
        lambda k: metrics.kernel_distance(k, scale * L if k is not K else L),
        lambda k: metrics.relative_change(k, scale * L if k is not K else L),
        lambda k: metrics.centred_alignment(k, scale * Y if k is not K else Y),
        lambda k: metrics.target_alignment(k, scale * Y if k is not K else Y),
        lambda k: metrics.cumulative_power(k, scale * Y if k is not K else Y),
    ):
        torch.testing.assert_close(torch.as_tensor(call(scale * K)), torch.as_tensor(call(K)), rtol=1e-9, atol=1e-12)
    assert metrics.relative_change(K, 1e200 * L) == pytest.approx(1e200 * float(L.norm() / K.norm()))
    torch.testing.assert_close(metrics.centre(scale * K) / scale, metrics.centre(K))


@pytest.mark.parametrize("key", ["ridge", "noise"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_eigenlearning_refuses_numbers_that_are_none(key, value):
    with pytest.raises(LazyRegimeError, match="finite and >= 0"):
        metrics.eigenlearning(torch.ones(20), torch.ones(20), 5, **{key: value})


def test_eigenlearning_refuses_spectra_that_are_none():
    for lam, power, n in (
        (-torch.ones(20), torch.ones(20), 5),
        (torch.ones(20), -torch.ones(20), 5),
        (torch.ones(20), torch.ones(20), 0),
    ):
        with pytest.raises(LazyRegimeError, match=r"finite and >= 0"):
            metrics.eigenlearning(lam, power, n)
    assert metrics.eigenlearning(torch.ones(20, dtype=torch.int64), torch.ones(20), 5).test_mse > 0


def test_times_must_be_finite_and_increase():
    for times in ([0.0, float("nan")], [float("nan"), 1.0], [0.0, float("inf")], [1.0, 1.0]):
        with pytest.raises(LazyRegimeError, match="increasing"):
            metrics.kernel_velocity([K, L], times)


def test_integer_and_half_precision_kernels_are_taken():
    integers = torch.randint(0, 5, (6, 8), generator=torch.Generator().manual_seed(0))
    gram = integers @ integers.T
    assert metrics.effective_rank(gram) == pytest.approx(metrics.effective_rank(gram.double()))
    assert metrics.cka(gram, gram.half()) == pytest.approx(1, abs=1e-5)


def test_what_is_no_matrix_is_refused_without_the_shape_checks_of_these_tests():
    """In a process of its own, since the shapes in signatures are checked under pytest."""
    script = """
import numpy as np, torch
from lazyregime.errors import LazyRegimeError
from lazyregime import kernels as k
eye, x = torch.eye(4), torch.randn(4, 3)
wrong = {
    "numpy": np.eye(4), "list": [[1.0]], "complex": torch.eye(4) * 1j, "not square": torch.ones(4, 3),
    "empty": torch.ones(0, 0), "vector": torch.ones(4), "three axes": torch.ones(4, 4, 2), "number": torch.tensor(1.0),
    "not symmetric": torch.eye(4).cumsum(0), "nan": eye * float("nan"), "inf": eye / 0, "zero": torch.zeros(4, 4),
    "none": None, "meta": torch.eye(4, device="meta"),
}
y, labels = torch.randn(4), torch.arange(4)
calls = {
    "cka": lambda m: k.cka(m, eye), "cka 2": lambda m: k.cka(eye, m), "effective_rank": k.effective_rank,
    "participation_ratio": k.participation_ratio, "target": lambda m: k.target_alignment(m, labels),
    "centred": lambda m: k.centred_alignment(m, y), "power": lambda m: k.cumulative_power(m, y),
}
for name, call in calls.items():
    for what, m in wrong.items():
        try:
            print(f"{name} of {what}: returned {call(m)}")
        except LazyRegimeError as error:
            assert str(error).endswith((".", ")")) and len(str(error)) > 20, error
        except Exception as error:
            print(f"{name} of {what}: {type(error).__name__}: {error}")
for n in (k.eigenlearning,):
    try:
        print(n(torch.ones(4), torch.ones(3), 2))
    except LazyRegimeError:
        pass
for targets in (np.ones(4), torch.ones(3), torch.ones(4) * 1j, torch.zeros(4), -torch.arange(4),
                torch.ones(4, 2).long(), torch.ones(0), torch.tensor(1.0), y * float("nan"), None):
    for name in ("target_alignment", "centred_alignment", "cumulative_power", "eigenprojections"):
        try:
            if name == "eigenprojections" and isinstance(targets, torch.Tensor) and not targets.any():
                continue
            print(f"{name} with {targets}: returned {getattr(k, name)(eye, targets)}")
        except LazyRegimeError:
            pass
        except Exception as error:
            print(f"{name} with {targets}: {type(error).__name__}: {error}")
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""
