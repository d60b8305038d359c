"""The trace kernel Theta(X, X') by other libraries: each as its own documentation has it, and exact.

A method takes (model, x1, x2) and returns (n, m). Libraries are imported where they are called, so that one that is not
installed is a sentence in the table and no more.
"""

import copy
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from lazyregime.kernels import empirical_ntk

Method = Callable[[nn.Module, Tensor, Tensor], Tensor]


def _one(model: nn.Module) -> Callable[[dict[str, Tensor], Tensor], Tensor]:
    return lambda w, x: cast(Tensor, functional_call(model, w, (x[None],)))[0]


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach() for name, p in model.named_parameters()}


def contraction(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """The Jacobians of both sides, multiplied: PyTorch's tutorial."""
    w, f = _weights(model), _one(model)
    sides: list[dict[str, Tensor]] = [vmap(jacrev(f), (None, 0))(w, x) for x in (x1, x2)]
    terms = [torch.einsum("nkp,mkp->nm", sides[0][name].flatten(2), sides[1][name].flatten(2)) for name in w]
    return torch.stack(terms).sum(0)


def by_output(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """The gradients of one output at a time, multiplied and added up."""
    w, f = _weights(model), _one(model)
    total = torch.zeros(len(x1), len(x2), dtype=next(iter(w.values())).dtype)
    for k in range(f(w, x1[0]).shape[0]):
        gradient = torch.func.grad(lambda p, x, k=k: f(p, x)[k])
        sides: list[dict[str, Tensor]] = [vmap(gradient, (None, 0))(w, x) for x in (x1, x2)]
        for name in w:
            total += sides[0][name].flatten(1) @ sides[1][name].flatten(1).T
    return total


def row_by_row(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """The gradients of one output of one sample at a time, multiplied."""
    wanted = list(model.parameters())

    def rows(x: Tensor) -> Tensor:
        found: list[Tensor] = []
        for sample in x.split(1):
            y = cast(Tensor, model(sample))[0]
            grads = [torch.autograd.grad(output, wanted, retain_graph=True) for output in y]
            found.append(torch.stack([torch.cat([g.flatten() for g in row]) for row in grads]))
        return torch.stack(found)

    return torch.einsum("nkp,mkp->nm", rows(x1), rows(x2))


def nngeometry(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """GramMatrix of all samples with themselves, of which it has no rectangular form; then a block of it."""
    from nngeometry.gram import GramMatrix
    from torch.utils.data import DataLoader, TensorDataset

    x = torch.cat([x1, x2])
    gram: Any = GramMatrix(model, DataLoader(TensorDataset(x), batch_size=len(x)))
    return torch.einsum("knkm->nm", gram.data)[: len(x1), len(x1) :]


def curvlinops(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """J(X) times J(X')^T of the identity, by Jacobian operators."""
    from curvlinops import JacobianLinearOperator, TransposedJacobianLinearOperator

    params = list(model.parameters())
    k = cast(Tensor, model(x1[:1])).shape[1]
    rows: Any = JacobianLinearOperator(model, params, [(x1, x1)], check_deterministic=False)
    columns: Any = TransposedJacobianLinearOperator(model, params, [(x2, x2)], check_deterministic=False)
    full = rows @ (columns @ torch.eye(len(x2) * k, dtype=params[0].dtype))
    return torch.einsum("nkmk->nm", full.view(len(x1), k, len(x2), k))


def trak(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """Its exact per-sample gradients before they are projected, one output at a time."""
    from trak.gradient_computers import FunctionalGradientComputer
    from trak.modelout_functions import AbstractModelOutput

    class Output(AbstractModelOutput):
        def __init__(self, k: int) -> None:
            self.k = k

        def get_output(self, model: nn.Module, weights: Any, buffers: Any, x: Tensor) -> Tensor:
            return cast(Tensor, functional_call(model, (weights, buffers), (x[None],)))[0, self.k]

        def get_out_to_loss_grad(self, *_: Any) -> None:
            raise NotImplementedError

    size, dtype = sum(p.numel() for p in model.parameters()), next(model.parameters()).dtype
    total = torch.zeros(len(x1), len(x2), dtype=dtype)
    for k in range(cast(Tensor, model(x1[:1])).shape[1]):
        computer: Any = FunctionalGradientComputer(model, Output(k), size, dtype, x1.device)
        sides = [computer.compute_per_sample_grad([x]) for x in (x1, x2)]
        for name in sides[0]:
            total += sides[0][name].flatten(1) @ sides[1][name].flatten(1).T
    return total.detach()


def laplace(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """The Jacobians that laplace-torch takes by BackPACK, multiplied."""
    from laplace.curvature import BackPackInterface

    network: Any = copy.deepcopy(model)
    network.output_size = cast(Tensor, model(x1[:1])).shape[1]
    interface: Any = BackPackInterface(network, "regression")
    sides = [interface.jacobians(x)[0].detach() for x in (x1, x2)]
    return torch.einsum("nkp,mkp->nm", *sides)


def asdl(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """Its batch_gradient, one output at a time; empirical_direct_ntk finds no layers in asdl 0.1 and raises for all."""
    from asdl.gradient import batch_gradient

    def gradients(x: Tensor, k: int) -> Tensor:
        def closure() -> Tensor:
            model.zero_grad()
            y = cast(Tensor, model(x))
            y[:, k].sum().backward()
            return y

        return cast(Tensor, batch_gradient(model, closure, batch_size=len(x)))

    total = torch.zeros(len(x1), len(x2), dtype=next(model.parameters()).dtype)
    for k in range(cast(Tensor, model(x1[:1])).shape[1]):
        total += gradients(x1, k) @ gradients(x2, k).T
    return total


METHODS: dict[str, Method] = {
    "empirical_ntk": empirical_ntk,
    "torch.func, Jacobians": contraction,
    "torch.func, by output": by_output,
    "autograd, row by row": row_by_row,
    "nngeometry": nngeometry,
    "curvlinops": curvlinops,
    "trak": trak,
    "laplace-torch": laplace,
    "asdl": asdl,
}
