"""f_t in closed form against an integrated ODE in float64, and its distribution against many trained wide networks."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.stats import chi2
from torch import Tensor
from wide_networks import draw, trained

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import FrozenFlow, InfiniteCNN, InfiniteEnsemble, InfiniteMLP, KernelRegression, empirical_ntk
from lazyregime.networks import MLP

TIMES = (0.0, 0.3, 2.0, 15.0)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def integrated(theta: Tensor, y: Tensor, start: Tensor) -> Tensor:
    """Solve f' = -Theta[:, :n] (f[:n] - y) for training samples and others below them, at TIMES."""
    n, a = len(y), theta.numpy()

    def slope(_: float, f: np.ndarray) -> np.ndarray:
        return -a @ (f[:n] - y.numpy())

    solution = solve_ivp(slope, (0, TIMES[-1]), start.numpy(), "DOP853", TIMES, rtol=1e-11, atol=1e-12)
    return torch.from_numpy(solution.y.T)


@pytest.mark.parametrize("outputs", ["trace", "full"])
def test_one_network_against_the_ode(outputs):
    torch.manual_seed(0)
    network = MLP(12, depth=2, in_features=4, n_outputs=2, parameterization="ntk").double()
    x, z, y = normal(6, 4), normal(3, 4, seed=1), normal(6, 2, seed=2)
    f0, f0z = network(x).detach(), network(z).detach()
    flow = FrozenFlow(empirical_ntk(network, x, outputs=outputs), y, f0)
    train, test = flow.train(TIMES), flow.predict(empirical_ntk(network, z, x, outputs=outputs), TIMES, f0z)
    theta = empirical_ntk(network, torch.cat([x, z]), x, outputs=outputs)
    if outputs == "trace":
        for k in range(2):
            expected = integrated(theta, y[:, k], torch.cat([f0, f0z])[:, k])
            torch.testing.assert_close(torch.cat([train, test], 1)[..., k], expected, rtol=1e-8, atol=1e-8)
        return
    flat = theta.permute(0, 2, 1, 3).reshape(18, 12)
    expected = integrated(flat, y.flatten(), torch.cat([f0, f0z]).flatten()).view(len(TIMES), 9, 2)
    torch.testing.assert_close(torch.cat([train, test], 1), expected, rtol=1e-8, atol=1e-8)


def test_its_end_is_kernel_regression():
    torch.manual_seed(0)
    network = MLP(64, depth=1, in_features=4, n_outputs=2, parameterization="ntk").double()
    x, z, y = normal(6, 4), normal(3, 4, seed=1), normal(6, 2, seed=2)
    flow = FrozenFlow(empirical_ntk(network, x, outputs="full"), y, network(x).detach())
    cross = empirical_ntk(network, z, x, outputs="full")
    found = flow.predict(cross, [math.inf], network(z).detach())[0]
    expected = KernelRegression(network, offset=network).fit(x, y).predict(z)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(flow.train([math.inf])[0], y, rtol=1e-9, atol=1e-9)


def test_a_sample_that_is_there_twice_is_fitted_on_average():
    """The kernel is singular: what two targets of one sample differ by is not learnt, however long it takes."""
    x = normal(3, 4)[[0, 1, 2, 2]]
    theta = InfiniteMLP(depth=1).cross(x)
    y = torch.tensor([[1.0], [-1.0], [0.0], [3.0]], dtype=torch.float64)
    for times in ([1e6], [math.inf]):
        found = FrozenFlow(theta, y).train(times)[0]
        torch.testing.assert_close(found[:, 0], y.new_tensor([1.0, -1.0, 1.5, 1.5]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("kernel", "shape"),
    [
        (InfiniteMLP(depth=2), (4,)),
        (InfiniteMLP(depth=1, activation="erf", bias=False), (4,)),
        (InfiniteCNN(depth=1), (2, 4, 4)),
    ],
    ids=["relu", "erf", "cnn"],
)
def test_mean_and_covariance_against_their_ode(kernel, shape):
    """With z = (f(X), f(x)): z' = A (z - Y) with A = -[Theta, 0], so m' = A (m - Y) and C' = A C + C A^T from C = K."""
    x, z, y = normal(5, *shape), normal(3, *shape, seed=1), normal(5, 1, seed=2)
    nngp, ntk = (k.numpy() for k in kernel.kernels(torch.cat([x, z])))
    a = np.zeros((8, 8))
    a[:, :5] = -ntk[:, :5]
    target = np.concatenate([y[:, 0].numpy(), np.zeros(3)])

    def slope(_: float, state: np.ndarray) -> np.ndarray:
        mean, covariance = state[:8], state[8:].reshape(8, 8)
        return np.concatenate([a @ (mean - target), (a @ covariance + covariance @ a.T).ravel()])

    begin = np.concatenate([np.zeros(8), nngp.ravel()])
    ode = solve_ivp(slope, (0, TIMES[-1]), begin, "DOP853", TIMES, rtol=1e-11, atol=1e-12).y.T
    found = InfiniteEnsemble(kernel, x, y).predict(torch.cat([x, z]), TIMES)
    np.testing.assert_allclose(found.mean[..., 0], ode[:, :8], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found.covariance, ode[:, 8:].reshape(-1, 8, 8), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found.std[0], np.sqrt(np.diag(nngp)), rtol=1e-10)


def test_it_starts_from_the_prior_and_ends_without_doubt_where_it_was_told():
    x, y = normal(5, 4), normal(5, 2, seed=2)
    found = InfiniteEnsemble(InfiniteMLP(depth=2), x, y).predict(x, [0.0, math.inf])
    assert found.mean[0].abs().max() == 0
    torch.testing.assert_close(found.mean[1], y, rtol=1e-9, atol=1e-9)
    assert found.covariance[1].abs().max() < 1e-9


@pytest.mark.parametrize(
    ("members", "width"), [(500, 256), pytest.param(4000, 2048, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_many_wide_networks_are_distributed_so(members, width):
    """Their mean within five of its standard errors, their variances within the 1e-6 quantiles of chi squared."""
    x, z = normal(4, 3), normal(3, 3, seed=1)
    y, times, generator = normal(4, 1, seed=2), [0.0, 1.0, 5.0, 25.0], torch.Generator().manual_seed(3)
    parts = [trained(draw(100, width, 3, generator), x, y[:, 0], z, times, step=0.25) for _ in range(members // 100)]
    found = torch.cat(parts, 1)
    expected = InfiniteEnsemble(InfiniteMLP(depth=1), x, y).predict(z, times)
    scores = (found.mean(1) - expected.mean[..., 0]) / (expected.std / members**0.5)
    assert scores.abs().max() < 5
    ratios = found.var(1) / expected.std**2
    low, high = (chi2.ppf(p, members - 1) / (members - 1) for p in (1e-6, 1 - 1e-6))
    assert low < ratios.min() and ratios.max() < high


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda k, y: FrozenFlow(k, y).train([-1.0]), r"times has -1.0; give numbers of at least 0"),
        (lambda k, y: FrozenFlow(k, y).train([]), "times has none"),
        (lambda k, y: FrozenFlow(-k, y), "not positive semi-definite"),
        (lambda k, y: FrozenFlow(k, y[:3]), r"targets has shape \(3, 1\); there are 4 samples"),
        (lambda k, y: FrozenFlow(k, y, y.repeat(1, 2)), r"start has shape \(4, 2\)"),
        (lambda k, y: FrozenFlow(k, y, y).predict(k, [1.0]), "starts from outputs that are not 0"),
        (lambda k, y: FrozenFlow(k, y).predict(k[:, :3], [1.0]), "columns must be the 4 training samples"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(LazyRegimeError, match=says):
        call(InfiniteMLP(depth=1).cross(normal(4, 3)), normal(4, 1))
