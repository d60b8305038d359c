"""The operator's products are those of the kernel of samples alone, whatever the network, or refused."""

import numpy as np
import pytest
import torch
from ntk_reference import check_right, ntk, relative_error
from odd_networks import ODD, WARNINGS
from scipy.sparse.linalg import aslinearoperator, cg, eigsh
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import ntk_operator
from lazyregime.networks import MLP, Linearized
from lazyregime.solve import ConjugateGradients, LowRank, flatten_gram

pytestmark = pytest.mark.filterwarnings(*WARNINGS)

OUTPUTS = ("trace", "full", "diagonal")


def dense(model: nn.Module, x1: Tensor, x2: Tensor | None = None, outputs: str = "trace") -> Tensor:
    """The matrix, from one gradient at a time."""
    kernel = ntk(model, x1, x2, outputs)
    if outputs == "diagonal":
        kernel = torch.diag_embed(kernel)
    return kernel if outputs == "trace" else flatten_gram(kernel)


def network() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, 3)).double()
    return model, torch.randn(9, 4).double(), torch.randn(5, 4).double()


@pytest.mark.parametrize(("index", "name"), [*enumerate(ODD)])
def test_products_of_odd_networks_are_right_or_refused(index, name):
    odd, outputs = ODD[name], OUTPUTS[index % 3]
    model, x = odd.build()
    default = torch.get_default_dtype()
    try:
        operator = ntk_operator(model, x, outputs=outputs)
        v = torch.randn(operator.shape[1], 1, dtype=torch.float64)
        given = operator @ v
    except LazyRegimeError:
        assert odd.expect in ("refused", "either")
        return
    assert odd.expect != "refused"
    try:
        expected = dense(model, x, None, outputs).double() @ v
    finally:
        torch.set_default_dtype(default)
    check_right(given, expected, odd.dtype)


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("memory_budget", [None, 1 << 12])
@pytest.mark.parametrize("params", [None, ["2", "0.bias"]])
def test_between_two_sets_of_samples_and_back(outputs, memory_budget, params):
    model, x, z = network()
    operator = ntk_operator(model, x, z, outputs=outputs, memory_budget=memory_budget, params=params)
    if params is not None:
        model[0].weight.requires_grad_(False)
    expected = dense(model, x, z, outputs)
    model.requires_grad_(True)
    assert operator.shape == expected.shape
    rows, columns = (torch.eye(size, dtype=torch.float64) for size in operator.shape)
    assert relative_error(operator.matmat(columns), expected) < 1e-12
    assert relative_error(operator.rmatmat(rows), expected.T) < 1e-12
    assert relative_error(operator.matvec(columns[:, 1]), expected[:, 1]) < 1e-12


@pytest.mark.parametrize("outputs", ["trace", "full"])
def test_the_view_for_scipy(outputs):
    model, x, z = network()
    expected = dense(model, x, z, outputs).numpy()
    view = ntk_operator(model, x, z, outputs=outputs).to_scipy()
    v = np.asfortranarray(np.random.default_rng(0).standard_normal((view.shape[1], 2)))[::-1]
    np.testing.assert_allclose(view @ v, expected @ v, rtol=1e-10)
    np.testing.assert_allclose(view @ v[:, 0], expected @ v[:, 0], rtol=1e-10)
    np.testing.assert_allclose(view.T @ np.ones(view.shape[0]), expected.T @ np.ones(view.shape[0]), rtol=1e-10)
    square = ntk_operator(model, x, outputs=outputs).to_scipy()
    kernel = dense(model, x, None, outputs).numpy()
    largest = eigsh(square, k=2, return_eigenvectors=False)
    np.testing.assert_allclose(np.sort(largest), np.linalg.eigvalsh(kernel)[-2:], rtol=1e-9)
    shifted = square + aslinearoperator(0.1 * np.eye(len(kernel)))
    solution, failed = cg(shifted, np.ones(len(kernel)), rtol=1e-10)
    assert not failed
    np.testing.assert_allclose(kernel @ solution + 0.1 * solution, 1.0, rtol=1e-7)


@pytest.mark.parametrize("outputs", ["trace", "full"])
def test_conjugate_gradients_take_it(outputs):
    model, x, _ = network()
    operator = ntk_operator(model, x, outputs=outputs)
    size = operator.shape[0]
    near = LowRank.by_random_products(operator.matmat, size, 5, 1e-12, torch.device("cpu"))
    y = torch.randn(size, 2, dtype=torch.float64)
    solver = ConjugateGradients(operator.matmat, size, ridge=0.1, near=near, tolerance=1e-11, num_probes=0)
    expected = torch.linalg.solve(dense(model, x, None, outputs) + 0.1 * torch.eye(size, dtype=torch.float64), y)
    assert relative_error(solver.solve(y), expected) < 1e-9


def test_a_linearized_network_has_the_kernel_of_its_network():
    torch.manual_seed(0)
    base, x = MLP(width=6, in_features=4, n_outputs=2).double(), torch.randn(5, 4).double()
    operator = ntk_operator(Linearized(base), x, outputs="full")
    assert relative_error(operator @ torch.eye(10, dtype=torch.float64), dense(base, x, None, "full")) < 1e-12


@pytest.mark.parametrize("change", ["in place", "behind autograd's back", "freeze", "mode"])
def test_a_network_that_has_changed_is_refused(change):
    model, x, _ = network()
    operator = ntk_operator(model, x)
    operator @ torch.ones(9)
    if change == "in place":
        with torch.no_grad():
            model[0].weight.mul_(1.01)
    elif change == "freeze":
        model[0].weight.requires_grad_(False)
    elif change == "mode":
        model.eval()
    else:
        model[0].weight.data[0, 0] += 1
    with pytest.raises(LazyRegimeError, match="has changed since the operator was made"):
        operator @ torch.ones(9)


def test_samples_that_are_overwritten_afterwards_do_not_matter():
    model, x, _ = network()
    operator, expected = ntk_operator(model, x), dense(model, x) @ torch.ones(9).double()
    x.zero_()
    assert relative_error(operator @ torch.ones(9), expected) < 1e-12


def test_what_it_cannot_multiply_is_refused():
    model, x, _ = network()
    operator = ntk_operator(model, x, outputs="full")
    with pytest.raises(LazyRegimeError, match=r"27 columns \(9 samples of 3 outputs\).*given \(9, 1\)"):
        operator @ torch.ones(9)
    with pytest.raises(LazyRegimeError, match="NaN or infinite"):
        operator @ torch.full((27,), torch.nan)
    with pytest.raises(LazyRegimeError, match="not finite"):
        ntk_operator(nn.Linear(4, 1).double(), 1e200 * x) @ torch.ones(9)
    with pytest.raises(LazyRegimeError, match=r"call model\.eval"):
        ntk_operator(nn.Sequential(nn.Linear(4, 4), nn.Dropout()).double(), x)
