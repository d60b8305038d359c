"""A committee: a plain sum of units z + eps z^2 / 2, its kernel in closed form, three parameterizations of it."""

import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import empirical_ntk
from lazyregime.networks import Committee, parameter_scales, parameterization_of
from lazyregime.regimes.laziness import alpha_of

N, D, EPS = 20, 6, 0.3


def made(parameterization="mean_field"):
    torch.manual_seed(0)
    return Committee(N, in_features=D, curvature=EPS, parameterization=parameterization).double()


def points():
    return torch.randn(7, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_outputs_and_kernel_are_the_formulas():
    network, x = made(), points()
    (w,) = network.parameters()
    z = x @ w.detach().T / D**0.5
    torch.testing.assert_close(network(x), (z + EPS * z**2 / 2).mean(1, keepdim=True))
    slope = 1 + EPS * z
    torch.testing.assert_close(empirical_ntk(network, x), (slope @ slope.T) * (x @ x.T) / D / N**2)


def test_the_parameterizations_are_one_function_with_one_trajectory():
    x = points()
    flat = {p: made(p) for p in ("ntk", "mean_field", "mup")}
    moved = {}
    for name, network in flat.items():
        alpha = alpha_of(2.0, network)
        (w,), (scale,) = network.parameters(), parameter_scales(network).values()
        assert parameterization_of(network) == name
        (gradient,) = torch.autograd.grad((alpha * network(x)).sum() / alpha**2, w)
        before = alpha * network(x)
        with torch.no_grad():
            w -= 0.1 * scale.sgd * gradient
        moved[name] = (before, alpha * network(x) - before)
    for name in ("ntk", "mup"):
        torch.testing.assert_close(moved[name], moved["mean_field"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"curvature": float("inf")}, "finite"),
        ({"parameterization": "mine"}, "mine"),
        ({"n_outputs": 0}, "n_outputs"),
    ],
)
def test_what_cannot_be_is_refused(options, words):
    with pytest.raises(LazyRegimeError, match=words):
        Committee(4, in_features=3, **options)


def test_each_output_has_a_committee_of_its_own():
    torch.manual_seed(0)
    both = Committee(N, in_features=D, n_outputs=2, curvature=EPS).double()
    x, weight = points(), next(both.parameters())
    for k in range(2):
        one = Committee(N, in_features=D, curvature=EPS).double()
        with torch.no_grad():
            next(one.parameters()).copy_(weight[k * N : (k + 1) * N])
        torch.testing.assert_close(both(x)[:, k : k + 1], one(x))
