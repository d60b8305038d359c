"""A model is borrowed: whatever a public function does or refuses, it comes back as it was, and so does the program."""

import contextlib
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from odd_networks import ODD, WARNINGS
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import (
    EmpiricalKernel,
    KernelRegression,
    empirical_ntk,
    empirical_ntk_axes,
    empirical_ntk_blocks,
    empirical_ntk_layers,
    empirical_ntk_of_inputs,
    explain,
    infinite_counterpart,
    ntk_operator,
    sketched_ntk,
)
from lazyregime.kernels.empirical import _engine, _remembered, _verify
from lazyregime.networks import Linearized

pytestmark = pytest.mark.filterwarnings(*WARNINGS)


def products(model: nn.Module, x: Tensor) -> None:
    kernel = EmpiricalKernel(model)
    kernel.apply(x, x, torch.ones(len(x), kernel.num_coupled(x) or 1, dtype=torch.float64))


def regress(model: nn.Module, x: Tensor) -> None:
    regression = KernelRegression(model, relative_ridge=1e-2, offset=model)
    regression.fit(x, torch.arange(len(x)) % 2).predict(x)


def regress_on_trace(model: nn.Module, x: Tensor) -> None:
    labels = torch.arange(len(x)) % 2
    KernelRegression(EmpiricalKernel(model, outputs="trace"), relative_ridge=1e-2).fit(x, labels).predict(x)


def operator(model: nn.Module, x: Tensor) -> None:
    product = ntk_operator(model, x, outputs="full")
    product @ torch.ones(product.shape[1])


def linearized(model: nn.Module, x: Tensor) -> None:
    empirical_ntk(Linearized(model), x)


def regress_linearized(model: nn.Module, x: Tensor) -> None:
    KernelRegression(Linearized(model), relative_ridge=1e-2).fit(x, torch.arange(len(x)) % 2).predict(x)


FUNCTIONS: dict[str, Callable[[nn.Module, Tensor], object]] = {
    "trace": empirical_ntk,
    "full, two sides": lambda model, x: empirical_ntk(model, x, x[:2].clone(), outputs="full"),
    "by the fallback": lambda model, x: empirical_ntk(model, x, rules="none"),
    "small budget": lambda model, x: empirical_ntk(model, x, memory_budget=1 << 14),
    "blocks": lambda model, x: empirical_ntk_blocks(model, x, block_rows=3),
    "layers": empirical_ntk_layers,
    "axes": lambda model, x: empirical_ntk_axes(model, x, trace_axes=()),
    "explain": explain,
    "inputs": lambda model, x: empirical_ntk_of_inputs(model, DataLoader(TensorDataset(x), batch_size=3)),
    "operator": operator,
    "sketch": lambda model, x: sketched_ntk(model, x, num_probes=4, size=2),
    "products": products,
    "regression": regress,
    "regression, trace": regress_on_trace,
    "linearized": linearized,
    "regression, linearized": regress_linearized,
    "infinite": lambda model, x: infinite_counterpart(model).gram(x),
}


def attributes(model: nn.Module) -> list[Any]:
    """Every attribute of every module by its identity, and what containers hold."""
    found: list[Any] = []
    for name, module in model.named_modules(remove_duplicate=False):
        for key, value in vars(module).items():
            content = [*map(id, value.values() if isinstance(value, dict) else value)] if _is_container(value) else []
            kept = value if isinstance(value, bool | int | float | str | None) else id(value)
            found.append((name, key, kept, content))
            if isinstance(value, np.random.Generator):
                found.append(value.bit_generator.state)
            if isinstance(value, random.Random):
                found.append(value.getstate())
    return found


def _is_container(value: object) -> bool:
    return isinstance(value, dict | list | set | tuple)


def contents(model: nn.Module) -> list[tuple[str, Tensor]]:
    tensors = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    return [(name, tensor.detach().clone()) for name, tensor in tensors]


def flags(model: nn.Module) -> list[Any]:
    return [
        (id(p), id(p.grad), p.requires_grad, p.data_ptr(), p.dtype, p._backward_hooks and len(p._backward_hooks))
        for p in model.parameters()
    ]


def program() -> list[Any]:
    """What belongs to the program: random states, default dtype, modes of autograd, choices of kernels."""
    return [
        torch.get_rng_state().tolist(),
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.backends.mha.get_fastpath_enabled(),
        torch.backends.cuda.flash_sdp_enabled(),
        torch.backends.cuda.math_sdp_enabled(),
        torch.get_float32_matmul_precision(),
        torch.get_num_threads(),
    ]


def as_it_was(function: Callable[[nn.Module, Tensor], object], model: nn.Module, x: Tensor) -> None:
    """Call, and compare."""
    given, state, before = x.clone(), contents(model), (attributes(model), flags(model), program())
    with contextlib.suppress(LazyRegimeError):  # a refusal leaves no more behind than a kernel
        function(model, x)
    after = (attributes(model), flags(model), program())
    assert torch.equal(x, given)
    for (name, was), (_, tensor) in zip(state, contents(model), strict=True):
        assert torch.equal(was, tensor), name
    for was, now in zip(before, after, strict=True):
        assert was == now


@pytest.mark.parametrize("share", [4, pytest.param(1, marks=pytest.mark.slow)], ids=["a quarter", "all"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_public_function_gives_the_model_back_as_it_was(function, share):
    """Another quarter of the networks for each function: each network is tried with three. All of them: slow."""
    first = list(FUNCTIONS).index(function) % share
    for name, odd in list(ODD.items())[first::share]:
        model, x = odd.build()
        default = torch.get_default_dtype()
        try:
            as_it_was(FUNCTIONS[function], model, x)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        finally:
            torch.set_default_dtype(default)


class Interrupted(BaseException):
    """As Ctrl-C."""


def interrupt(*_: object) -> None:
    raise Interrupted


PLACES = {
    "while rules are verified": (_verify, "random_cotangent"),
    "while the work is planned": (_engine.Engine, "_keep"),
    "while gradients are recorded": (_engine.Engine, "factors"),
    "while products are taken": (_engine.Engine, "_add"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["shared", "tied", "weight norm", "counts", "instance norm, training", "sorts", "GRU"])
def test_an_interruption_anywhere_leaves_the_model_as_it_was(place, name, monkeypatch):
    model, x = ODD[name].build()
    _remembered.forget()
    monkeypatch.setattr(*PLACES[place], interrupt)

    def function(model: nn.Module, x: Tensor) -> None:
        with pytest.raises(Interrupted):
            empirical_ntk(model, x)

    as_it_was(function, model, x)


@pytest.mark.parametrize("frozen", [False, True])
def test_training_goes_on_after_a_call_in_the_middle_of_a_step(frozen):
    """Gradients that were accumulated, the optimizer's parameters, and a graph that is still to be used."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
    model[0].weight.requires_grad_(not frozen)
    optimizer, x = torch.optim.Adam(model.parameters()), torch.randn(6, 4)
    model(x).square().mean().backward()
    loss = model(x).sum()
    as_it_was(empirical_ntk, model, x)
    as_it_was(linearized, model, x)
    loss.backward()
    before = model[2].weight.detach().clone()
    optimizer.step()
    assert not torch.equal(before, model[2].weight)
