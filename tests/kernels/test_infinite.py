"""Infinite-width kernels: closed forms against quadrature and sampling, limits of finite networks, slow references."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import InfiniteCNN, InfiniteMLP, infinite_counterpart, infinite_ntk
from lazyregime.kernels.infinite import dual_of
from lazyregime.kernels.infinite.mehler import Mehler
from lazyregime.networks import CNN, MLP, VGG11, TwoLayer

COVARIANCES = [(1.0, 1.0, 0.3), (0.5, 2.0, -0.9), (1.5, 0.7, 1.0), (1.0, 1.0, 0.0), (0.3, 0.3, 0.3)]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gauss_hermite(function, q1, q2, q12, num=200):
    """E[g(u) g(v)] by two-dimensional quadrature."""
    z, w = np.polynomial.hermite_e.hermegauss(num)
    w = torch.from_numpy(np.outer(w, w) / (2 * np.pi))
    z = torch.from_numpy(z)
    u = math.sqrt(q1) * z[:, None].expand(num, num)
    v = q12 / math.sqrt(q1) * z[:, None] + math.sqrt(max(q2 - q12**2 / q1, 0.0)) * z
    return float((w * function(u) * function(v)).sum())


def derivative(function):
    def slope(z):
        leaf = z.clone().requires_grad_()
        return torch.autograd.grad(function(leaf).sum(), leaf)[0]

    return slope


# The quadrature is exact to rounding for smooth functions; for relu it errs by its kink, about 1 / num.
@pytest.mark.parametrize(
    ("activation", "function", "tolerance"),
    [
        ("erf", torch.erf, 1e-7),
        ("relu", torch.relu, 2e-2),
        ("tanh", torch.tanh, 1e-6),
        ("softplus", nn.functional.softplus, 1e-8),
    ],
)
@pytest.mark.parametrize(("q1", "q2", "q12"), COVARIANCES)
def test_duals_are_the_gaussian_expectations(activation, function, tolerance, q1, q2, q12):
    t = [torch.tensor(q, dtype=torch.float64) for q in (q12, q1, q2)]
    values, slopes = dual_of(activation)(*t)
    assert float(values) == pytest.approx(gauss_hermite(function, q1, q2, q12), abs=tolerance)
    assert float(slopes) == pytest.approx(gauss_hermite(derivative(function), q1, q2, q12), abs=tolerance)
    second = dual_of(activation).second_moment(t[1])
    assert float(second) == pytest.approx(gauss_hermite(function, q1, q1, q1), abs=tolerance)


def test_relu_dual_by_sampling():
    z = draw(2, 1_000_000)
    for q1, q2, q12 in COVARIANCES:
        u = math.sqrt(q1) * z[0]
        v = q12 / math.sqrt(q1) * z[0] + math.sqrt(max(q2 - q12**2 / q1, 0.0)) * z[1]
        values, slopes = dual_of("relu")(*(torch.tensor(q, dtype=torch.float64) for q in (q12, q1, q2)))
        assert float(values) == pytest.approx(float((u.relu() * v.relu()).mean()), abs=4e-3)  # about 4 standard errors
        assert float(slopes) == pytest.approx(float(((u > 0) & (v > 0)).double().mean()), abs=1.5e-3)


def test_the_series_agrees_with_the_closed_form():
    x = draw(6, 5)
    closed, series = InfiniteMLP(activation="erf").kernels(x), InfiniteMLP(activation=lambda z: torch.erf(z)).kernels(x)
    for a, b in zip(closed, series, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
    identity = Mehler(lambda z: z)(*(torch.tensor(q, dtype=torch.float64) for q in (0.2, 1.0, 2.0)))
    assert [float(i) for i in identity] == pytest.approx([0.2, 1.0])


def test_a_linear_network_and_a_shallow_relu_network_have_textbook_kernels():
    x = draw(5, 4)
    inner = x @ x.T / 4
    torch.testing.assert_close(infinite_ntk(x, depth=0, bias=False), inner)
    torch.testing.assert_close(infinite_ntk(x, depth=3, bias=False, activation=lambda z: z), 4 * inner)
    u = inner / (inner.diagonal()[:, None] * inner.diagonal()).sqrt()
    kappa0 = (math.pi - u.clamp(-1, 1).acos()) / math.pi
    kappa1 = (u * (math.pi - u.clamp(-1, 1).acos()) + (1 - u**2).clamp_min(0).sqrt()) / math.pi
    expected = (inner.diagonal()[:, None] * inner.diagonal()).sqrt() * (kappa1 + u * kappa0) / 2
    torch.testing.assert_close(infinite_ntk(x, depth=1, bias=False), expected, rtol=1e-7, atol=1e-9)


def test_normalized_activations_keep_the_variance():
    x = draw(3, 6)
    x = x / x.norm(dim=1, keepdim=True) * 6**0.5
    for activation in ("relu", "erf", "tanh"):
        nngp, _ = InfiniteMLP(depth=4, bias=False, activation=activation, normalize_activation=True).kernels(x)
        torch.testing.assert_close(nngp.diagonal(), torch.ones(3, dtype=torch.float64), rtol=1e-9, atol=0)


def jacobian_kernel(network: nn.Module, x: Tensor) -> Tensor:
    """Theta of the first output from the per-sample Jacobian."""
    params = {n: p.detach() for n, p in network.named_parameters()}

    def f(p, sample):
        return functional_call(network, p, (sample[None],))[0, 0]

    rows = vmap(jacrev(f), (None, 0))(params, x)
    j = torch.cat([g.flatten(1) for g in rows.values()], 1)
    return j @ j.T


def deviations(make, widths, x, num_seeds):
    """Root mean square relative deviation of finite networks' kernels from the infinite one, by width."""
    result = []
    for width in widths:
        limit = infinite_counterpart(make(width)).gram(x)
        squares = []
        for seed in range(num_seeds):
            torch.manual_seed(seed)
            kernel = jacobian_kernel(make(width).double(), x)
            squares.append(float((kernel - limit).norm() / limit.norm()) ** 2)
        result.append(np.mean(squares) ** 0.5)
    return np.array(result)


def gaussian(network: MLP) -> MLP:
    """PyTorch's default variances, but normal weights: uniform weights on 6 inputs have another limit."""
    for layer in network.layers:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=(3 * layer.in_features) ** -0.5)
    return network


NETWORKS = {
    "ntk-relu": lambda w: MLP(w, depth=2, in_features=6, n_outputs=1, parameterization="ntk"),
    "ntk-erf-normalized": lambda w: MLP(
        w, depth=2, in_features=6, n_outputs=1, parameterization="ntk", activation="erf", normalize_activation=True
    ),
    "ntk-tanh": lambda w: MLP(w, depth=2, in_features=6, n_outputs=1, parameterization="ntk", activation="tanh"),
    "ntk-no-bias": lambda w: MLP(w, depth=2, in_features=6, n_outputs=1, parameterization="ntk", bias=False),
    # without biases, whose gradients are 1 and would dilute the fluctuations of narrow networks
    "standard-relu": lambda w: gaussian(MLP(w, depth=2, in_features=6, n_outputs=1, bias=False)),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_finite_networks_converge_at_rate_one_over_the_root_of_the_width(network):
    widths = [16, 32, 64, 128]
    errors = deviations(NETWORKS[network], widths, draw(4, 6), num_seeds=40)
    slope = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.1), errors  # the error of the slope at 40 seeds is about 0.05
    assert errors[-1] < 0.3


@pytest.mark.parametrize("last_activation", [True, False])
def test_finite_convolutional_networks_converge_too(last_activation):
    def make(w):
        return CNN(w, depth=2, in_channels=2, image_size=6, n_outputs=1, parameterization="ntk",
                   last_activation=last_activation)  # fmt: skip

    widths = [8, 16, 32, 64]
    errors = deviations(make, widths, draw(3, 2, 6, 6), num_seeds=30)
    slope = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.15), errors
    assert errors[-1] < 0.3


def slow_cntk(x, z, depth, gap, fix):
    """The recursion of [ADH+19] for one pair, pixel by pixel: same padding, relu with c = 2, no biases."""
    _, h, w = x.shape
    pixels = [(i, j) for i in range(h) for j in range(w)]

    def conv(t):
        out = {}
        for p in pixels:
            for r in pixels:
                total = 0.0
                for a in (-1, 0, 1):
                    for b in (-1, 0, 1):
                        total += t.get(((p[0] + a, p[1] + b), (r[0] + a, r[1] + b)), 0.0)
                out[p, r] = total
        return out

    def start(u, v):
        return conv({(p, r): float(u[:, p[0], p[1]] @ v[:, r[0], r[1]]) for p in pixels for r in pixels})

    states = {"xz": start(x, z), "xx": start(x, x), "zz": start(z, z)}
    theta = {k: 0.0 for k in states["xz"]} if fix else dict(states["xz"])
    for layer in range(depth):
        sdot, following = {}, {}
        for name, (left, right) in {"xz": ("xx", "zz"), "xx": ("xx", "xx"), "zz": ("zz", "zz")}.items():
            following[name] = {}
            for p, r in states[name]:
                scale = math.sqrt(states[left][p, p] * states[right][r, r])
                rho = min(1.0, max(-1.0, states[name][p, r] / scale))
                angle = math.pi - math.acos(rho)
                following[name][p, r] = scale * (rho * angle + math.sqrt(1 - rho**2)) / math.pi / 9
                if name == "xz":
                    sdot[p, r] = angle / math.pi / 9
        for k in theta:
            theta[k] = theta[k] * sdot[k] + following["xz"][k] * (not fix or layer < depth - 1)
        if layer < depth - 1:
            theta = conv(theta)
            following = {name: conv(s) for name, s in following.items()}
        states = following
    if gap:
        return sum(theta.values()) / len(pixels) ** 2
    return sum(theta[p, p] for p in pixels)


@pytest.mark.parametrize(
    ("depth", "gap", "fix"), [(1, False, False), (1, True, False), (3, False, False), (3, True, True), (2, False, True)]
)
def test_cntk_is_the_recursion_written_out(depth, gap, fix):
    x, z = draw(2, 2, 4, 3), draw(3, 2, 4, 3, seed=1)
    slow = torch.tensor([[slow_cntk(a, b, depth, gap, fix) for b in z] for a in x], dtype=torch.float64)
    kernel = InfiniteCNN(
        depth=depth, padding="same", pooling="average" if gap else "none", train_ends=not fix, bias=False,
        weight_variance=2.0,
    ).cross(x, z)  # fmt: skip
    # [ADH+19] sums where the NTK parameterization averages: the kernels are proportional, by the same factor everywhere
    ratio = slow / kernel
    assert float(kernel.abs().min()) > 1e-3
    torch.testing.assert_close(ratio, ratio[:1, :1].expand_as(ratio), rtol=1e-9, atol=0)


@pytest.mark.parametrize("pooling", ["none", "average"])
def test_blocks_and_memory_budget_do_not_change_the_kernel(pooling):
    x, z = draw(4, 1, 5, 5), draw(5, 1, 5, 5, seed=1)
    whole = InfiniteCNN(depth=1, pooling=pooling)
    one_pair = 8 * 12 * 25 ** (2 if pooling == "average" else 1)
    for budget in (one_pair, 7 * one_pair):
        chunked = InfiniteCNN(depth=1, pooling=pooling, memory_budget=budget)
        torch.testing.assert_close(chunked.cross(x, z), whole.cross(x, z), rtol=1e-12, atol=0)
        torch.testing.assert_close(chunked.gram(x), whole.cross(x, x), rtol=1e-9, atol=0)
    with pytest.raises(LazyRegimeError, match="larger memory_budget"):
        InfiniteCNN(depth=1, pooling=pooling, memory_budget=one_pair - 1).gram(x)
    mlp, chunked = InfiniteMLP(), InfiniteMLP(memory_budget=800)
    torch.testing.assert_close(chunked.gram(x), mlp.gram(x), rtol=1e-12, atol=0)
    torch.testing.assert_close(chunked.cross(x, z), mlp.cross(x, z), rtol=1e-12, atol=0)


def test_kernels_are_symmetric_positive_and_in_the_dtype_of_the_inputs():
    x = draw(12, 3)
    x[1], x[2] = x[0], 0.0  # a duplicate and a zero input
    for kernel in (InfiniteMLP(), InfiniteMLP(which="nngp"), InfiniteMLP(bias=False, activation="tanh")):
        gram = kernel.gram(x)
        assert torch.equal(gram, gram.T) and bool(torch.isfinite(gram).all())
        assert float(torch.linalg.eigvalsh(gram)[0]) > -1e-10 * float(gram.trace())
        assert float(gram[0, 1]) == pytest.approx(float(gram[0, 0]), rel=1e-14)
        assert kernel.cross(x.float()).dtype == torch.float32
    assert infinite_ntk(x.reshape(12, 1, 3, 1)).equal(infinite_ntk(x))


def test_networks_without_a_fixed_kernel_are_refused():
    with pytest.raises(LazyRegimeError, match="parameterization"):
        infinite_counterpart(MLP(8, in_features=3, parameterization="mean_field"))
    with pytest.raises(LazyRegimeError, match="of a VGG11 is not known here, only that of MLP, TwoLayer and CNN"):
        infinite_counterpart(VGG11(4))
    with pytest.raises(LazyRegimeError, match="leave nothing"):
        InfiniteCNN(depth=3).gram(draw(1, 1, 6, 6))
    for wrong in ({"which": "both"}, {"parameterization": "mup"}, {"activation": "swash"}, {"depth": -1}):
        with pytest.raises(LazyRegimeError):
            infinite_ntk(draw(2, 2), **wrong)


def test_two_layers_are_an_mlp_of_depth_one():
    x = draw(5, 6)
    two_layer = infinite_counterpart(TwoLayer(8, in_features=6, parameterization="ntk")).gram(x)
    torch.testing.assert_close(two_layer, InfiniteMLP(depth=1, bias=False).gram(x), rtol=1e-14, atol=0)
