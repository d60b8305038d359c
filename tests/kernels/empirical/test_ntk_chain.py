"""Small chains of dense layers take a way of their own, in one pass; whatever else a network has leaves it."""

import copy
from collections.abc import Callable

import pytest
import torch
from ntk_reference import ntk, relative_error
from torch import Tensor, nn

from lazyregime.kernels import Rows, empirical_ntk, explain, register_rule
from lazyregime.kernels.empirical import _registry
from lazyregime.kernels.empirical._chain import chain_ntk, chain_of, small_chain
from lazyregime.networks import CNN, MLP, Activation


def _frozen(model: nn.Sequential, *indices: int) -> nn.Sequential:
    for index in indices:
        list(model.parameters())[index].requires_grad_(False)
    return model


def _plain(*middle: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 5), *middle, nn.Linear(5, 3))


CHAINS: dict[str, Callable[[], nn.Module]] = {
    "standard": lambda: MLP(width=7, in_features=6, n_outputs=3),
    "one output": lambda: MLP(width=7, depth=1, in_features=6, n_outputs=1),
    "ntk": lambda: MLP(width=7, in_features=6, n_outputs=3, parameterization="ntk", activation="erf"),
    "mup": lambda: MLP(width=7, in_features=6, parameterization="mup", activation="gelu", normalize_activation=True),
    "mean field": lambda: MLP(width=7, in_features=6, parameterization="mean_field", bias=False),
    "linear": lambda: nn.Linear(6, 2),
    "two functions": lambda: _plain(nn.ReLU(inplace=True), nn.Softplus(beta=2.0), Activation("silu")),
    "none between": lambda: nn.Sequential(nn.Tanh(), nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 4, bias=False))),
    "in place before all": lambda: nn.Sequential(nn.Flatten(), nn.LeakyReLU(0.3, inplace=True), nn.Linear(6, 2)),
    "frozen": lambda: _frozen(_plain(nn.ELU(), nn.Linear(5, 5), nn.Sigmoid()), 0, 3, 4),
}  # fmt: skip


@pytest.mark.parametrize("outside", ["once", "with itself"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", CHAINS)
def test_the_kernel_is_that_of_the_definition_and_nothing_is_touched(name, dtype, outside):
    torch.manual_seed(0)
    model = CHAINS[name]().to(dtype)
    x, z = torch.randn(4, 2, 3, dtype=dtype), torch.randn(5, 2, 3, dtype=dtype)
    if not isinstance(next(model.modules()), MLP) and name != "in place before all":
        x, z = x.flatten(1), z.flatten(1)
    other = None if outside == "with itself" else z
    before, given = copy.deepcopy(model.state_dict()), (x.clone(), z.clone())
    assert small_chain(model, x, other, None) is not None and "one pass" in str(explain(model, x, other))
    seen = []
    theta = empirical_ntk(model, x, other, progress=lambda *done: seen.append(done))
    assert theta.dtype == dtype and (other is not None or torch.equal(theta, theta.mT))
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert torch.equal(given[0], x) and torch.equal(given[1], z)
    assert all(p.grad is None and p.is_leaf for p in model.parameters())
    assert seen[-1][0] == seen[-1][1]
    exact = ntk(nn.Sequential(_Copied(), model), x, other, "trace")  # some functions write into their input
    assert relative_error(theta, exact) < (1e-13 if dtype == torch.float64 else 1e-5)


class _Copied(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


class Own(nn.Linear):
    """Another forward pass."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x - x.mean(0))


def _changed(change: Callable[[nn.Sequential], object]) -> nn.Sequential:
    model = _plain(nn.ReLU())
    change(model)
    return model


def _no_parameter(model: nn.Sequential) -> None:
    weight = model[0].weight.detach()
    del model[0].weight
    model[0].weight = weight


NO_CHAINS: dict[str, Callable[[], nn.Module]] = {
    "a hook": lambda: _changed(lambda model: model[1].register_forward_hook(lambda module, given, y: y - y.mean(0))),
    "a hook before": lambda: _changed(lambda model: model.register_forward_pre_hook(lambda module, x: x[0] * 2)),
    "a backward hook": lambda: _changed(lambda model: model[0].register_full_backward_hook(lambda *given: None)),
    "a forward pass of its own": lambda: _changed(lambda model: setattr(model[1], "forward", torch.sin)),
    "a function of its own": lambda: _changed(lambda model: model.insert(1, _lambda())),
    "a subclass": lambda: nn.Sequential(nn.Linear(6, 5), Own(5, 3)),
    "a weight that is no parameter": lambda: _changed(_no_parameter),
    "a layer twice": lambda: (lambda layer: nn.Sequential(layer, nn.ReLU(), layer))(nn.Linear(6, 6)),
    "tied weights": lambda: _changed(lambda model: model.insert(1, _tied(model[0]))),
    "weight norm": lambda: _changed(lambda model: nn.utils.parametrizations.weight_norm(model[0])),
    "spectral norm": lambda: _changed(lambda model: nn.utils.spectral_norm(model[0])),
    "dropout": lambda: _plain(nn.Dropout()).eval(),
    "batch norm": lambda: _plain(nn.BatchNorm1d(5)).eval(),
    "softmax": lambda: _plain(nn.Softmax(0)),
    "a function last": lambda: nn.Sequential(nn.Linear(6, 3), nn.Softmax(0)),
    "half precision": lambda: _plain(nn.ReLU()).to(torch.bfloat16),
    "convolutions": lambda: CNN(width=2),
    "nothing": lambda: nn.Sequential(),
    "flattened samples": lambda: nn.Sequential(nn.Flatten(0), nn.Linear(6, 3)),
}  # fmt: skip


def _lambda() -> Activation:
    found = Activation("relu")
    found._function = lambda z: z - z.mean(0)
    return found


def _tied(layer: nn.Linear) -> nn.Linear:
    other = nn.Linear(5, 5)
    other.bias = layer.bias
    return other


@pytest.mark.parametrize("name", NO_CHAINS)
def test_whatever_else_is_in_a_network_leaves_the_way(name):
    assert chain_of(NO_CHAINS[name]()) is None


def test_hooks_on_all_modules_and_rules_of_ones_own_leave_the_way(monkeypatch):
    model = _plain(nn.ReLU())
    assert chain_of(model) is not None
    hook = nn.modules.module.register_module_forward_hook(lambda module, given, y: None)
    try:
        assert chain_of(model) is None
    finally:
        hook.remove()
    monkeypatch.setattr(_registry, "_RULES", dict(_registry._RULES))
    register_rule(nn.Linear, lambda layer, call: [Rows(call.b)])
    assert chain_of(model) is None
    monkeypatch.undo()
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, z: z - z.mean(0))
    assert chain_of(model) is None


@pytest.mark.parametrize(
    ("n", "budget", "small"),
    [(20, None, True), (20, 1 << 20, True), (20, 1 << 14, False), (4000, None, False)],
)
def test_only_what_is_small_takes_the_way(n, budget, small):
    x = torch.randn(n, 6)
    assert (small_chain(_plain(nn.ReLU()), x, None, budget) is not None) == small


def test_samples_of_another_shape_and_other_modes_are_left_to_the_engine():
    model = _plain(nn.ReLU())
    chain = chain_of(model)
    assert chain_ntk(chain, torch.randn(3, 4, 6), None) is None  # positions
    assert chain_ntk(chain, torch.randn(3, 5), None) is None
    assert small_chain(model, torch.randint(5, (3, 6)), None, None) is None
    with torch.inference_mode():
        assert small_chain(model, torch.randn(3, 6), None, None) is None
    with torch.autocast("cpu"):
        assert small_chain(model, torch.randn(3, 6), None, None) is None


def test_what_it_cannot_give_is_given_by_the_engine():
    torch.manual_seed(0)
    model, x = _plain(nn.Tanh()), torch.randn(3, 6)
    wide = empirical_ntk(model, x, accumulate=torch.float64)
    assert wide.dtype == torch.float64
    full = empirical_ntk(model, x, outputs="full")
    assert relative_error(full.diagonal(dim1=2, dim2=3).sum(2), wide) < 1e-6
