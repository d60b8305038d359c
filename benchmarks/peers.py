"""Theta(X, X'), trace, by `empirical_ntk` and by what PyTorch offers: seconds and errors, round by round in turn.

    python benchmarks/peers.py [--rounds 7] [CASE ...]

The peers are exact: contraction of vmapped Jacobians (PyTorch's tutorial), the same one output at a time, and plain
autograd one sample and output at a time. One thread, float32; medians over rounds in which each method runs once;
errors against Jacobians in float64.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from lazyregime.kernels import empirical_ntk
from lazyregime.networks import CNN, MLP, ResNet18, ViT

Method = Callable[[nn.Module, Tensor, Tensor], Tensor]


class Reading(nn.Module):
    """A recurrent network, read at its last step."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.LSTM(16, 32, batch_first=True), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """(n, t, 16) to (n, 10)."""
        return self.out(self.rnn(x)[0][:, -1])


def _one(model: nn.Module) -> Callable[[dict[str, Tensor], Tensor], Tensor]:
    return lambda w, x: cast(Tensor, functional_call(model, w, (x[None],)))[0]


def contraction(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """The Jacobians of both sides, multiplied."""
    w, f = {name: p.detach() for name, p in model.named_parameters()}, _one(model)
    sides: list[dict[str, Tensor]] = [vmap(jacrev(f), (None, 0))(w, x) for x in (x1, x2)]
    terms = [torch.einsum("nkp,mkp->nm", sides[0][name].flatten(2), sides[1][name].flatten(2)) for name in w]
    return torch.stack(terms).sum(0)


def by_output(model: nn.Module, x1: Tensor, x2: Tensor) -> Tensor:
    """The gradients of one output at a time, multiplied and added up."""
    w, f = {name: p.detach() for name, p in model.named_parameters()}, _one(model)
    total = torch.zeros(len(x1), len(x2), dtype=x1.dtype)
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


METHODS: dict[str, Method] = {
    "empirical_ntk": empirical_ntk,
    "torch.func, Jacobians": contraction,
    "torch.func, by output": by_output,
    "autograd, row by row": row_by_row,
}
# Network, a sample's shape, n, m.
CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int, int]] = {
    "tiny MLP": (lambda: MLP(width=64, in_features=20, n_outputs=1), (20,), 10, 10),
    "MLP": (lambda: MLP(width=256), (784,), 20, 30),
    "CNN": (lambda: CNN(width=8), (1, 28, 28), 12, 16),
    "ResNet-18": (lambda: ResNet18(width=8, in_channels=3), (3, 32, 32), 8, 8),
    "ViT": (lambda: ViT(width=32), (1, 28, 28), 8, 12),
    "LSTM": (Reading, (12, 16), 16, 24),
}


def measure(name: str, rounds: int) -> dict[str, tuple[float, float]]:
    """Median seconds and relative error of each method."""
    make, shape, n, m = CASES[name]
    torch.manual_seed(0)
    model, x1, x2 = make().eval(), torch.randn(n, *shape), torch.randn(m, *shape)
    exact = row_by_row(copy.deepcopy(model).double(), x1.double(), x2.double())
    methods = {method: compute for method, compute in METHODS.items() if _runs(compute, model, x1)}
    seconds: dict[str, list[float]] = {method: [] for method in methods}
    errors: dict[str, float] = {}
    for _ in range(rounds + 1):  # the first one warms up
        for method, compute in methods.items():
            start = time.perf_counter()
            theta = compute(model, x1, x2)
            seconds[method].append(time.perf_counter() - start)
            errors[method] = float((theta.double() - exact).norm() / exact.norm())
    return {method: (statistics.median(times[1:]), errors[method]) for method, times in seconds.items()}


def _runs(compute: Method, model: nn.Module, x: Tensor) -> bool:
    """Whether a peer takes the network at all: vmap refuses nn.LSTM on a CPU."""
    try:
        compute(model, x[:1], x[:1])
    except RuntimeError:
        return compute is METHODS["empirical_ntk"]
    return True


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=cast(Any, __doc__).splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| case | method | ms | times ours | error |\n|---|---|---|---|---|")
    for case in arguments.cases or CASES:
        found = measure(case, arguments.rounds)
        ours = found["empirical_ntk"][0]
        for method, (took, error) in found.items():
            print(f"| {case} | {method} | {1e3 * took:.3g} | {took / ours:.2f} | {error:.0e} |", flush=True)


if __name__ == "__main__":
    main()
