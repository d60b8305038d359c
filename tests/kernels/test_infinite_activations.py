"""Activations of infinite networks: by name, function or module, at every scale, or a sentence that says why not."""

import math

import pytest
import torch
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import InfiniteCNN, InfiniteMLP, infinite_ntk
from lazyregime.kernels.infinite import dual_of
from lazyregime.networks.activations import ACTIVATIONS

F = nn.functional


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plane(function, q1, q2, rho, step):
    """E[g(u) g(v)] by the trapezoidal rule on the plane of two independent normals, which nothing else here uses."""
    z = torch.arange(-8, 8 + step / 2, step, dtype=torch.float64)
    w = step * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    u = math.sqrt(q1) * z
    v = math.sqrt(q2) * (rho * z[:, None] + math.sqrt(1 - rho**2) * z)
    return float(w @ (function(u)[:, None] * function(v)) @ w)


def slope(function):
    def derivative(z):
        leaf = z.clone().requires_grad_()
        return torch.autograd.grad(function(leaf).sum(), leaf)[0]

    return derivative


def expected_and_found(activation, function, q1, q2, rho, step):
    q = [torch.tensor(value, dtype=torch.float64) for value in (rho * math.sqrt(q1 * q2), q1, q2)]
    found = [float(value) for value in dual_of(activation)(*q)]
    return found, [plane(g, q1, q2, rho, step) for g in (function, slope(function))]


# The rule errs by exp(-c / (step * scale)) for smooth functions, and by about the step at the kinks.
@pytest.mark.parametrize("function", [torch.tanh, F.gelu, F.silu, torch.sigmoid, F.mish, torch.sin])
@pytest.mark.parametrize(
    ("q1", "q2", "rho"), [(100.0, 100.0, 0.9), (100.0, 49.0, -0.5), (1.0, 144.0, 0.3), (9.0, 9.0, 0.99)]
)
def test_smooth_activations_at_large_scales(function, q1, q2, rho):
    found, expected = expected_and_found(function, function, q1, q2, rho, step=0.005)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-13 + 1e-9 * max(map(abs, expected)))


KINKED = {
    "abs": (torch.abs, torch.abs),
    "leaky": (nn.LeakyReLU(0.1), lambda z: F.leaky_relu(z, 0.1)),
    "lambda": (lambda z: F.leaky_relu(z, -0.7), lambda z: F.leaky_relu(z, -0.7)),
    "prelu": (nn.PReLU(), lambda z: F.leaky_relu(z, 0.25)),
    "relu": (torch.relu, torch.relu),
    "relu module": (nn.ReLU(), torch.relu),
    "half": (lambda z: -2 * torch.clamp(z, max=0.0), lambda z: -2 * torch.clamp(z, max=0.0)),
    "identity": (nn.Identity(), lambda z: 1 * z),
}


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize(("q1", "q2", "rho"), [(1.0, 1.0, 0.6), (4.0, 0.25, -0.7), (100.0, 1.0, 0.0), (2.0, 2.0, 0.95)])
def test_linear_on_both_sides_of_zero(name, q1, q2, rho):
    activation, function = KINKED[name]
    found, expected = expected_and_found(activation, function, q1, q2, rho, step=0.01)
    assert found == pytest.approx(expected, abs=0.02 * max(1.0, math.sqrt(q1 * q2)))
    q = torch.tensor([q1, 1e-3, 1e6], dtype=torch.float64)
    moments = torch.stack([dual_of(activation)(value, value, value)[0] for value in q])
    torch.testing.assert_close(dual_of(activation).second_moment(q), moments)


def test_the_closed_form_of_leaky_relu_at_slope_one_is_the_linear_network():
    x = draw(5, 7)
    for activation in (lambda z: z, nn.LeakyReLU(1.0)):
        torch.testing.assert_close(infinite_ntk(x, activation=activation, bias=False), 4 * x @ x.T / 7)


def test_a_function_and_a_module_are_the_named_activation():
    x = draw(4, 6)
    same = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "gelu": nn.GELU(), "softplus": nn.Softplus(), "silu": nn.SiLU()}
    for name, function in ACTIVATIONS.items():
        expected = infinite_ntk(x, activation=name)
        torch.testing.assert_close(infinite_ntk(x, activation=function), expected, rtol=1e-12, atol=0)
        if name in same:
            torch.testing.assert_close(infinite_ntk(x, activation=same[name]), expected, rtol=1e-12, atol=0)


def test_the_network_of_a_large_scale_is_the_limit_of_finite_ones():
    x = 10 * draw(3, 20)
    limit = InfiniteMLP(depth=1, activation="tanh", bias=False).cross(x)
    width, kernels = 20_000, []
    for seed in range(8):
        w, a = draw(width, 20, seed=seed + 1), draw(width, seed=seed + 100)
        z = x @ w.T / 20**0.5
        h, dh = z.tanh(), 1 - z.tanh() ** 2
        kernels.append(h @ h.T / width + (dh * a) @ (dh * a).T / width * (x @ x.T) / 20)
    spread = torch.stack(kernels).std(0) / 8**0.5
    assert bool(((torch.stack(kernels).mean(0) - limit).abs() < 5 * spread).all())


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        return z.sin()

    @staticmethod
    def backward(ctx, g):
        return 2 * g


@pytest.mark.parametrize(
    ("activation", "says"),
    [
        (F.hardtanh, "scale the inputs down"),  # below its kinks it is linear
        (F.selu, "has a kink"),
        (torch.sign, "jumps"),
        (torch.floor, "jumps"),
        (lambda z: torch.where(z > 1, z, 0.0), "jumps"),
        (Twice.apply, "backward pass of its own"),
        (lambda z: z.detach() ** 3, "no derivative"),
        (lambda z: torch.softmax(z, -1), "mixes numbers"),
        (lambda z: z - z.mean(), "mixes numbers"),
        (lambda z: z.sum(), "pointwise"),
        (lambda z: z.float(), "pointwise"),
        (lambda z: 1 / (z - 1), "not finite"),
        (lambda z: z + torch.rand_like(z), "random"),
        (nn.Dropout(0.5), "random"),
        (math.tanh, "fails on a tensor"),
        (lambda a, b: a, "fails on a tensor"),
        ("swash", "choose one of"),
        (3, "neither a name nor a function"),
        (None, "neither a name nor a function"),
    ],
)
def test_what_is_no_activation_is_refused(activation, says):
    with pytest.raises(LazyRegimeError, match=says):
        # the types of signatures are checked here, so what is no function is told to what looks at it
        dual = dual_of.__wrapped__(activation) if activation in (3, None) else dual_of(activation)
        dual(*(torch.tensor(q, dtype=torch.float64) for q in (0.5, 1.0, 1.0)))


def test_what_is_all_but_a_step_names_the_scale_and_one_that_works():
    x = 300 * draw(3, 20)
    with pytest.raises(
        LazyRegimeError, match=r"root mean square 3\d\d.*scale the inputs down to a root mean square"
    ) as e:
        infinite_ntk(x, activation="tanh")
    scale = float(str(e.value).split("down to a root mean square of ")[1].split(",")[0])
    assert 5 < scale < 50
    infinite_ntk(x / x.square().mean(1, keepdim=True).sqrt() * scale, activation="tanh", bias=False)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int64, torch.bool, torch.float16])
def test_inputs_of_any_dtype_have_the_kernel_of_their_numbers(dtype):
    numbers = torch.randint(
        0, 2 if dtype == torch.bool else 100, (4, 1, 4, 4), generator=torch.Generator().manual_seed(0)
    )
    x = numbers.to(dtype)
    for kernel in (InfiniteMLP(depth=1), InfiniteCNN(depth=1), InfiniteCNN(depth=1, pooling="average")):
        torch.testing.assert_close(kernel.cross(x), kernel.cross(numbers.double()), rtol=1e-12, atol=0)
        torch.testing.assert_close(kernel.gram(x), kernel.gram(numbers.double()), rtol=1e-12, atol=0)
    assert InfiniteMLP().cross(numbers.float()).dtype == torch.float32


@pytest.mark.parametrize("activation", ["relu", "erf", torch.abs])
def test_large_inputs_give_the_kernel_or_a_sentence(activation):
    x = draw(3, 5)
    for scale in (1e20, 1e80, 1e140):
        kernel = infinite_ntk(scale * x, activation=activation, depth=2, bias=False)
        assert bool(torch.isfinite(kernel).all())
        if activation != "erf":
            expected = scale**2 * infinite_ntk(x, activation=activation, depth=2, bias=False)
            torch.testing.assert_close(kernel, expected, rtol=1e-9, atol=0)
    with pytest.raises(LazyRegimeError, match="scale them down"):
        infinite_ntk(1e160 * x, activation=activation)
    with pytest.raises(LazyRegimeError, match=r"float32.*or give them in float64"):
        infinite_ntk((1e25 * x).float(), activation="relu")


def test_erf_of_large_inputs_is_the_sign_and_the_two_forms_agree():
    x = draw(4, 6)
    q = x.square().mean(1)
    q12, q1, q2 = x @ x.T / 6, q[:, None], q[None]
    textbook = 4 / math.pi / ((1 + 2 * q1) * (1 + 2 * q2) - 4 * q12**2).sqrt()
    torch.testing.assert_close(dual_of("erf")(q12, q1, q2)[1], textbook)
    nngp = InfiniteMLP(depth=1, activation="erf", bias=False, which="nngp").cross(1e10 * x)
    angle = (x @ x.T / x.norm(dim=1) / x.norm(dim=1)[:, None]).clamp(-1, 1).asin()
    torch.testing.assert_close(nngp, 2 / math.pi * angle, atol=1e-7, rtol=0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: infinite_ntk(draw(3, 5), draw(2, 6)), "must agree in all but their number"),
        (lambda: infinite_ntk(draw(3)), r"give them as \(n, d"),
        (lambda: infinite_ntk(draw(3, 4) * float("nan")), "NaN"),
        (lambda: infinite_ntk(draw(0, 4)), "empty"),
        (lambda: infinite_ntk(draw(3, 4) * 1j), "complex"),
        (lambda: infinite_ntk(draw(3, 4), dpeth=2), "There is no choice dpeth"),
        (lambda: infinite_ntk(draw(3, 4), weight_variance=float("nan")), "finite and not negative"),
        (lambda: infinite_ntk(draw(3, 4), bias_variance=float("inf")), "finite and not negative"),
        (lambda: infinite_ntk(draw(3, 4), width=0), "at least 1"),
        (lambda: infinite_ntk(draw(3, 4), depth=-1), "not be negative"),
        (lambda: InfiniteCNN(weight_variance=-1.0), "finite and not negative"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(LazyRegimeError, match=says):
        call()
