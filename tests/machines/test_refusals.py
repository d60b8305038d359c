"""What cannot be fitted is refused with a sentence; scikit-learn's own checks."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.machines import (
    KernelMachine,
    PolynomialFeatures,
    PolynomialKernel,
    RandomFeatures,
    SumOfFeatures,
    TangentFeatures,
    TwoLayerKernel,
)

X = np.random.default_rng(0).standard_normal((12, 4))
Y = X[:, 0]


def with_nan(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a.flat[3] = np.nan
    return a


@pytest.mark.parametrize(
    ("machine", "x", "y", "says"),
    [
        (KernelMachine(), X, with_nan(Y), "y has 1 entries of 12 that are NaN"),
        (KernelMachine(), with_nan(X), Y, "x has 1 entries that are NaN"),
        (KernelMachine(), np.zeros((5, 3)), np.ones(5), "zero norm"),
        (KernelMachine(RandomFeatures(9), solver="primal"), np.zeros((5, 3)), np.ones(5), "zero norm"),
        (KernelMachine(solver="dual", memory_budget=1000), X, Y, "more than the memory budget"),
        (KernelMachine(RandomFeatures(9), solver="primal", memory_budget=1000), X, Y, "more than the memory budget"),
        (KernelMachine(RandomFeatures(9), ridge=0.0, solver="cg"), X, Y, "need a ridge > 0"),
        (KernelMachine(solver="primal"), X, Y, "needs features"),
        (KernelMachine(solver="lu"), X, Y, "choose one of auto"),
        (KernelMachine(precision="float16"), X, Y, "choose one of float64"),
        (KernelMachine(ridge=-1.0), X, Y, "finite numbers >= 0"),
        (KernelMachine(ridge=[]), X, Y, "at least one"),
        (KernelMachine(), X, Y[:5], "there are 12 samples"),
        (KernelMachine(), X[:, 0], Y, "Reshape your data"),
    ],
)
def test_is_refused(machine, x, y, says):
    with pytest.raises(LazyRegimeError, match=says):
        machine.fit(x, y)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: RandomFeatures(0), "at least 1"),
        (lambda: TangentFeatures(5, activation="cube"), "choose one of"),
        (lambda: RandomFeatures(5, seed=-1), "whole number"),
        (lambda: TwoLayerKernel("cnn"), "choose rf, nt or ntk"),
        (lambda: PolynomialFeatures(3), "degree 1 or 2"),
        (lambda: PolynomialKernel(0), "at least 1"),
        (lambda: PolynomialKernel(2, constant=-1.0), "finite and >= 0"),
        (lambda: SumOfFeatures(()), "at least one"),
        (lambda: RandomFeatures(5, weights="cube").gram(torch.ones(2, 2)), "sphere or gaussian"),
        (lambda: KernelMachine().set_params(alpha=1.0), "no parameter 'alpha'"),
    ],
)
def test_what_cannot_be_made(make, says):
    with pytest.raises(LazyRegimeError, match=says):
        make()


def test_leave_one_out_needs_the_eigenvalues():
    machine = KernelMachine(RandomFeatures(3), solver="cg", ridge=0.1).fit(X, Y)
    with pytest.raises(LazyRegimeError, match="Leave-one-out needs"):
        machine.leave_one_out_path()


@pytest.mark.parametrize("machine", ["KernelMachine(intercept=True)", "KernelMachine(RandomFeatures(50), ridge=1e-6)"])
def test_estimator_checks_of_scikit_learn(machine):
    # In a process of its own: the checks construct estimators with arguments of the wrong type, which the shape
    # checking of these tests would refuse.
    script = f"""
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator
from lazyregime.machines import KernelMachine, RandomFeatures
results = check_estimator({machine}, on_skip=None)
print(sum(r["status"] == "passed" for r in results), [r["check_name"] for r in results if r["status"] == "failed"])
assert clone({machine}).get_params()["ridge"] == ({machine}).ridge
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    passed, failed = done.stdout.split(maxsplit=1)
    assert int(passed) >= 40 and failed.strip() == "[]"
