"""The definition: one gradient at a time, in float64, by plain autograd; shares nothing with the engine."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor, nn

from lazyregime.kernels.empirical import _engine


def gradients(model: nn.Module, x: Tensor) -> Tensor:
    """(n, k, p) by a loop over samples and outputs."""
    params = [p for p in model.parameters() if p.requires_grad]
    rows = []
    for i in range(x.shape[0]):
        y = model(x[i : i + 1]).reshape(-1)
        for k in range(y.shape[0]):
            grads = torch.autograd.grad(y[k], params, retain_graph=True, allow_unused=True)
            grads = [g.to_dense() if g is not None and g.is_sparse else g for g in grads]
            rows.append(
                torch.cat(
                    [
                        torch.zeros(p.numel()).to(y) if g is None else g.reshape(-1)
                        for g, p in zip(grads, params, strict=True)
                    ]
                )
            )
    return torch.stack(rows).reshape(x.shape[0], -1, rows[0].numel())


def ntk(model: nn.Module, x1: Tensor, x2: Tensor | None = None, outputs: str = "full") -> Tensor:
    """The kernel in float64."""
    model = copy.deepcopy(model).double()
    x1, x2 = (x.double() if x is not None and x.is_floating_point() else x for x in (x1, x2))
    j1 = gradients(model, x1)
    j2 = j1 if x2 is None else gradients(model, x2)
    full = torch.einsum("nap,mbp->nmab", j1, j2)
    diagonal = full.diagonal(dim1=2, dim2=3)
    return {"full": full, "diagonal": diagonal, "trace": diagonal.sum(-1)}[outputs]


def relative_error(given: Tensor, expected: Tensor) -> float:
    """Frobenius, relative."""
    assert given.shape == expected.shape
    return ((given.double() - expected).norm() / expected.norm()).item()


@contextmanager
def chunked(sizes: tuple[int, int, int] | None) -> Iterator[None]:
    """The engine holds, streams and records so many rows at a time; None leaves it to the planner."""
    plan = _engine.Engine.__init__

    def init(self, found, fallback, planned, *rest):
        plan(self, found, fallback, _engine.make_sizes(planned, *sizes) if sizes else planned, *rest)

    with mock.patch.object(_engine.Engine, "__init__", init):
        yield


def check_right(given: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    """To 1e-9 in float64, to 1e-5 in float32, and exactly where it is zero."""
    if expected.norm() == 0:
        assert given.norm() == 0
    else:
        assert relative_error(given, expected) < (1e-9 if dtype == torch.float64 else 1e-5)
