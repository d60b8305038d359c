"""Kernel machines and paths of ridges where the samples are, with the numbers of the CPU."""

import pytest
import torch
from pretend_device import DEVICES, PretendDevice, agree

from lazyregime.errors import LazyRegimeError
from lazyregime.machines import KernelMachine, PolynomialFeatures, RandomFeatures, TwoLayerKernel
from lazyregime.machines.sums import two_layer_features
from lazyregime.solve import solve_path

DRAW = torch.Generator().manual_seed(0)
X, Y, NEW = (torch.randn(40, 6, generator=DRAW), torch.randn(40, 2, generator=DRAW), torch.randn(7, 6, generator=DRAW))
RIDGES = [0.1, 1.0]


def test_the_device_refuses_what_a_gpu_refuses():
    with PretendDevice() as there:
        x = X.to(there.device)
        assert x.device == there.device and (x @ x.T).device == there.device and x.cpu().device.type == "cpu"
        with pytest.raises(RuntimeError, match="same device"):
            x @ torch.ones(6, 2)
        assert torch.equal((x + 1).cpu(), X + 1)


FEATURES = (RandomFeatures(50), two_layer_features(20), PolynomialFeatures(2))
CASES = [(kernel, solver) for kernel in FEATURES for solver in ("primal", "dual", "cg")]
CASES += [(TwoLayerKernel("ntk"), solver) for solver in ("dual", "cg")]


@pytest.mark.parametrize("where", DEVICES)
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize(("kernel", "solver"), CASES, ids=str)
def test_a_machine_computes_where_its_samples_are(kernel, solver, intercept, where):
    machine = KernelMachine(kernel, solver=solver, intercept=intercept, memory_budget=1 << 28)
    expected = machine.fit_path(X, Y, RIDGES).predict_path(NEW)
    left_out = machine.leave_one_out_path() if machine.has_leave_one_out else None
    with where() as there:
        machine.fit_path(X.to(there.device), Y, RIDGES)  # the targets follow the samples
        found = machine.predict_path(NEW.to(there.device))
        assert found.device.type == there.device.type
        assert machine.predict(NEW.to(there.device)).device == found.device
        assert machine.predict(NEW).device.type == "cpu"  # as it was asked
        assert agree(found, expected, there.device)
        if left_out is not None:
            assert agree(machine.leave_one_out_path(), left_out, there.device)


@pytest.mark.parametrize("where", DEVICES)
@pytest.mark.parametrize("solver", ["eigenvalues", "krylov", "cholesky"])
def test_a_path_is_solved_where_the_matrix_is(solver, where):
    gram = X.double() @ X.double().T + torch.eye(40)
    expected = solve_path(gram, Y, [1e-3, 0.1, 10.0], solver=solver).coefficients
    with where() as there:
        found = solve_path(gram.to(there.device), Y, [1e-3, 0.1, 10.0], solver=solver).coefficients
        assert found.device.type == there.device.type and agree(found, expected, there.device)


def test_a_matrix_that_does_not_fit_says_how_many_rows_would():
    with pytest.raises(LazyRegimeError, match=r"matrix of 40 rows, .* in which 20 rows fit"):
        KernelMachine(solver="dual", memory_budget=3 * 8 * 20**2).fit(X, Y)
