"""Infinite networks with residual blocks, pooling and layer norm: limits of finite ones, closed forms, refusals."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import InfiniteCNN, InfiniteMLP, KernelRegression
from lazyregime.kernels.infinite import (
    AveragePool,
    Conv,
    Dense,
    InfiniteNetwork,
    LayerNorm,
    Pointwise,
    Residual,
)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Finite(nn.Module):
    """The same network with finitely many units, in the NTK parameterization; written without the package's layers."""

    def __init__(self, layers, width: int, channels: int, size: int | None) -> None:
        super().__init__()
        self.made, self.width = nn.ParameterList(), width
        x = torch.zeros(1, channels, *[size] * 2 * (size is not None), dtype=torch.float64)
        self.plan = self._make(layers, x)[0]

    def _weight(self, *shape: int) -> int:
        self.made.append(nn.Parameter(torch.randn(*shape, dtype=torch.float64)))
        self.made.append(nn.Parameter(torch.randn(shape[0], dtype=torch.float64)))
        return len(self.made) - 2

    def _make(self, layers, x, top=True):
        plan = []
        for i, layer in enumerate(layers):
            if isinstance(layer, Residual):
                block, y = self._make(layer.block, x, top=False)
                beside, _ = self._make(layer.shortcut, x, top=False)
                plan.append((layer, (block, beside)))
                x = y
                continue
            if isinstance(layer, Dense):
                out = 1 if top and i == len(layers) - 1 else self.width
                plan.append((layer, self._weight(out, x[0].numel())))
            elif isinstance(layer, Conv):
                plan.append((layer, self._weight(self.width, x.shape[1], layer.kernel_size, layer.kernel_size)))
            else:
                plan.append((layer, None))
            x = self._run(plan[-1:], x)
        return plan, x

    def _run(self, plan, x):
        for layer, index in plan:
            if isinstance(layer, Residual):
                x = self._run(index[1], x) + layer.scale * self._run(index[0], x)
            elif isinstance(layer, Dense):
                x, w = x.flatten(1), self.made[index]
                x = x @ w.T / w.shape[1] ** 0.5 + 0.1 * self.made[index + 1]
            elif isinstance(layer, Conv):
                w, pad = self.made[index], (layer.kernel_size // 2 if layer.padding == "same" else 0)
                x = F.conv2d(x, w / w[0].numel() ** 0.5, 0.1 * self.made[index + 1], layer.stride, pad)
            elif isinstance(layer, Pointwise):
                x = getattr(torch, layer.activation)(x)
            elif isinstance(layer, AveragePool):
                x = x.mean((2, 3)) if layer.size is None else F.avg_pool2d(x, layer.size, layer.stride or layer.size)
            elif layer.over == "all":
                x = F.group_norm(x, 1, eps=layer.eps)
            else:
                last = x.movedim(1, -1)
                x = F.layer_norm(last, last.shape[-1:], eps=layer.eps).movedim(-1, 1)
        return x

    def forward(self, x):
        return self._run(self.plan, x)


def jacobian_kernel(network: nn.Module, x: Tensor) -> Tensor:
    params = {n: p.detach() for n, p in network.named_parameters()}
    rows = vmap(jacrev(lambda p, s: functional_call(network, p, (s[None],))[0, 0]), (None, 0))(params, x)
    j = torch.cat([g.flatten(1) for g in rows.values()], 1)
    return j @ j.T


RELU, TANH = Pointwise("relu"), Pointwise("tanh")
VECTORS = {
    "residual": (Dense(), Residual((RELU, Dense()), scale=0.7), Residual((TANH, Dense())), RELU, Dense()),
    "residual after an activation": (Dense(), RELU, Residual((Dense(),)), Dense()),
    "shortcut": (Dense(), Residual((RELU, Dense()), (TANH, Dense())), RELU, Dense()),
    "layer norm": (Dense(), LayerNorm(), TANH, Dense(), LayerNorm(eps=0.1), RELU, Dense()),
    "transformer's": (Dense(), Residual((LayerNorm(), RELU, Dense(), TANH, Dense())), LayerNorm(), Dense()),
}
IMAGES = {
    "residual": (Conv(3, "same"), Residual((RELU, Conv(3, "same"))), RELU, Dense()),
    "pooled inside": (Conv(3, "same"), RELU, AveragePool(2), Conv(2), RELU, Dense()),
    "overlapping windows": (Conv(3), RELU, AveragePool(2, 1), Dense()),
    "inputs pooled": (AveragePool(2), Conv(3, "same"), RELU, AveragePool(), Dense()),
    "layer norm": (Conv(3, "same"), LayerNorm(), RELU, AveragePool(), Dense()),
    "group norm": (Conv(3, "same"), LayerNorm("all"), RELU, Conv(2, stride=2), LayerNorm("all"), TANH, Dense()),
    "resnet": (
        Conv(3, "same"),
        Residual((LayerNorm("all"), RELU, Conv(3, "same", stride=2)), (Conv(1, stride=2),)),
        RELU,
        AveragePool(),
        Dense(),
    ),
}


def check_rate(layers, x, widths, num_seeds):
    """The mean square deviation from the limit falls like 1 / width, and the mean of the kernels is the limit."""
    limit = InfiniteNetwork(layers).gram(x)
    squares, size = [], x.shape[2] if x.ndim == 4 else None
    for width in widths:
        kernels = []
        for seed in range(num_seeds):
            torch.manual_seed(seed)
            kernels.append(jacobian_kernel(Finite(layers, width, x.shape[1], size), x))
        deviations = (torch.stack(kernels) - limit) / limit.norm()
        squares.append(deviations.square().sum((1, 2)).numpy())
    draws = np.random.default_rng(0).integers(num_seeds, size=(500, num_seeds))
    slopes = [np.polyfit(np.log(widths), [np.log(s[i].mean()) / 2 for s in squares], 1)[0] for i in draws]
    slope, spread = np.polyfit(np.log(widths), [np.log(s.mean()) / 2 for s in squares], 1)[0], np.std(slopes)
    assert spread < 0.1 and abs(slope + 0.5) < 3 * spread + 0.05, (slope, spread)  # 0.05: the next order, 1 / width
    last = deviations.mean(0).norm()
    assert last < 3 * (squares[-1].mean() / num_seeds) ** 0.5 + 3 / widths[-1], last


@pytest.mark.parametrize("name", VECTORS)
def test_finite_networks_converge_at_rate_one_over_the_root_of_the_width(name):
    check_rate(VECTORS[name], 1.5 * draw(4, 6), (32, 64, 128, 256), num_seeds=60)


@pytest.mark.parametrize("name", IMAGES)
def test_finite_convolutional_networks_converge_too(name):
    check_rate(IMAGES[name], draw(3, 2, 4, 4), (8, 16, 32, 64), num_seeds=24)


def test_a_linear_residual_network_in_closed_form():
    x, c, depth = draw(5, 7), 0.6, 4
    sigma = x @ x.T / 7
    network = InfiniteNetwork((Dense(), *[Residual((Dense(),), scale=c)] * depth, Dense()), bias=False)
    nngp, ntk = network.kernels(x)
    growth = (1 + c**2) ** depth
    torch.testing.assert_close(nngp, growth * sigma)
    before = growth * sigma + depth * c**2 * (1 + c**2) ** (depth - 1) * sigma  # Theta after the last block
    torch.testing.assert_close(ntk, before + growth * sigma)


def test_layer_norm_makes_the_scale_of_the_inputs_disappear():
    x = draw(4, 6)
    layers = (Dense(), LayerNorm(eps=0.0), RELU, Dense())
    one, ten = (InfiniteNetwork(layers, bias=False).kernels(s * x) for s in (1.0, 10.0))
    torch.testing.assert_close(one[0], ten[0])
    torch.testing.assert_close(one[1], ten[1])
    unit = x / x.norm(dim=1, keepdim=True) * 6**0.5
    plain = InfiniteMLP(depth=1, bias=False)
    torch.testing.assert_close(one[1], plain.cross(unit))


def test_pooling_everything_at_once_or_in_two_steps_is_the_same():
    x, z = draw(3, 2, 4, 4), draw(2, 2, 4, 4, seed=1)
    once, twice = (
        InfiniteNetwork((Conv(3, "same"), RELU, *pools, Dense()))
        for pools in ((AveragePool(),), (AveragePool(2), AveragePool()))
    )
    torch.testing.assert_close(once.cross(x, z), twice.cross(x, z))
    torch.testing.assert_close(once.cross(x, z), InfiniteCNN(depth=1, padding="same", pooling="average").cross(x, z))
    constant = draw(3, 2, 1, 1).expand(3, 2, 4, 4)  # pooling does nothing to an image of one colour
    after = (Conv(2), RELU, Dense())
    pooled, by_one, plain = (InfiniteNetwork((*pools, *after)) for pools in ((AveragePool(2),), (AveragePool(1),), ()))
    torch.testing.assert_close(pooled.cross(constant), plain.cross(constant[:, :, :2, :2]))
    torch.testing.assert_close(by_one.cross(x), plain.cross(x))


@pytest.mark.parametrize("name", IMAGES)
def test_blocks_symmetry_and_positivity(name):
    x, z = draw(6, 2, 4, 4), draw(5, 2, 4, 4, seed=1)
    whole = InfiniteNetwork(IMAGES[name])
    parts = InfiniteNetwork(IMAGES[name], memory_budget=8 * 16 * 256 * 3)
    torch.testing.assert_close(parts.cross(x, z), whole.cross(x, z), rtol=1e-12, atol=0)
    gram = whole.gram(x)
    assert torch.equal(gram, gram.T) and float(torch.linalg.eigvalsh(gram)[0]) > 0
    torch.testing.assert_close(gram, whole.cross(x, x.clone()), rtol=1e-9, atol=0)


def test_a_regression_takes_it():
    x, labels = draw(20, 2, 4, 4), torch.arange(20) % 2
    regression = KernelRegression(InfiniteNetwork(IMAGES["resnet"]), ridge=1e-3).fit(x, labels)
    assert regression.predict(x).tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: InfiniteNetwork((RELU, Dense())), "Gaussian units"),
        (lambda: InfiniteNetwork((Dense(), RELU, RELU, Dense())), "Gaussian units"),
        (lambda: InfiniteNetwork((Dense(), RELU, LayerNorm(), Dense())), "before the activation"),
        (lambda: InfiniteNetwork((Dense(), RELU, Residual((Dense(),)), RELU, Dense())), "Gaussian units"),
        (lambda: InfiniteNetwork((Residual((Dense(),)), Dense())), "cannot be added to the inputs"),
        (
            lambda: InfiniteNetwork((AveragePool(2), Residual((Conv(3, "same"),)), Dense())),
            "cannot be added to the inputs",
        ),
        (lambda: InfiniteNetwork((Conv(), Residual((RELU, Dense())), Dense())), "with pixels"),
        (lambda: InfiniteNetwork((Dense(), Conv(), Dense())), "needs pixels"),
        (lambda: InfiniteNetwork((Conv(), AveragePool(), AveragePool(), Dense())), "needs pixels"),
        (lambda: InfiniteNetwork((Dense(), RELU)), "last layer"),
        (lambda: InfiniteNetwork(()), "last layer"),
        (lambda: Residual((Dense(), RELU)), "must end in Dense or Conv"),
        (lambda: Residual(()), "must end in Dense or Conv"),
        (lambda: Residual((Dense(),), scale=float("nan")), "finite number"),
        (lambda: Conv(2, "same"), "odd kernel_size"),
        (lambda: Conv(3, "full"), "valid or same"),
        (lambda: Conv(3, stride=0), ">= 1"),
        (lambda: AveragePool(0), "at least 1"),
        (lambda: LayerNorm("pixels"), "channels or all"),
        (lambda: LayerNorm(eps=-1.0), "eps >= 0"),
        (lambda: Pointwise("swash"), "choose one of"),
        (lambda: InfiniteNetwork((Dense(),), parameterization="mup"), "parameterization"),
        (lambda: InfiniteNetwork((Conv(), Residual((Conv(),)), Dense())).gram(draw(1, 1, 6, 6)), "but is added to"),
        (lambda: InfiniteNetwork((Conv(5), Dense())).gram(draw(1, 1, 4, 4)), "leave nothing"),
        (lambda: InfiniteNetwork((Conv(), AveragePool(3), Dense())).gram(draw(1, 1, 4, 4)), "do not fit"),
        (lambda: InfiniteNetwork((Conv(), Dense())).gram(draw(2, 5)), "channels, height, width"),
    ],
)
def test_what_has_no_kernel_is_refused(make, says):
    with pytest.raises(LazyRegimeError, match=says):
        make()
