"""Theta(X, X'), trace, by `empirical_ntk` and by other libraries: seconds, memory and errors, round by round in turn.

    python benchmarks/peers.py [--rounds 7] [--without-memory] [CASE ...]

The peers (benchmarks/peers_methods.py) are exact and all optional: nngeometry, curvlinops, trak, laplace-torch with
BackPACK and asdl, beside torch.func by Jacobians (PyTorch's tutorial) and output by output, and plain autograd. One
thread, float32; medians over rounds in which each method runs once on a copy of the model of its own; the peak of
resident memory in a process of its own; errors against Jacobians in float64. The first call of ours, in which it has to
look at the network, is told apart.
"""

import argparse
import copy
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from peers_methods import METHODS, row_by_row
from torch import Tensor, nn

from lazyregime.networks import CNN, MLP, ResNet18, ViT

OURS = "empirical_ntk"
WRONG = 1e-3  # a relative error from which on a peer's value is another quantity


class Reading(nn.Module):
    """A recurrent network, read at its last step."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.LSTM(16, 32, batch_first=True), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """(n, t, 16) to (n, 10)."""
        return self.out(self.rnn(x)[0][:, -1])


class GPT(nn.Module):
    """Two blocks of width 32, 100 words, read at the last of 16 positions."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(100, 32), nn.Parameter(0.1 * torch.randn(16, 32))
        block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.blocks, self.norm = nn.ModuleList([block, copy.deepcopy(block)]), nn.LayerNorm(32)
        self.head = nn.Linear(32, 100, bias=False)
        self.register_buffer("later", torch.ones(16, 16, dtype=torch.bool).triu(1))

    def forward(self, ids: Tensor) -> Tensor:
        """(n, 16) to (n, 100)."""
        x = self.words(ids) + self.positions
        for block in self.blocks:
            x = block(x, src_mask=self.later)
        return self.head(self.norm(x)[:, -1])


def _numbers(*shape: int) -> Callable[[int], Tensor]:
    return lambda n: torch.randn(n, *shape)


# Network, samples, n, m.
CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[int], Tensor], int, int]] = {
    "tiny MLP": (lambda: MLP(width=64, in_features=20, n_outputs=1), _numbers(20), 10, 10),
    "MLP": (lambda: MLP(width=256), _numbers(784), 20, 30),
    "CNN": (lambda: CNN(width=8), _numbers(1, 28, 28), 12, 16),
    "ResNet-18": (lambda: ResNet18(width=8, in_channels=3), _numbers(3, 32, 32), 8, 8),
    "ViT": (lambda: ViT(width=32), _numbers(1, 28, 28), 8, 12),
    "GPT": (GPT, lambda n: torch.randint(100, (n, 16)), 8, 12),
    "LSTM": (Reading, _numbers(12, 16), 16, 24),
}


def build(case: str) -> tuple[nn.Module, Tensor, Tensor]:
    """The network and both sides."""
    make, samples, n, m = CASES[case]
    torch.manual_seed(0)
    return make().eval(), samples(n), samples(m)


def _widened(x: Tensor) -> Tensor:
    return x.double() if x.is_floating_point() else x


def attempt(method: str, model: nn.Module, x1: Tensor, x2: Tensor, exact: Tensor) -> str:
    """Why a method cannot do a case; nothing if it can."""
    try:
        theta = METHODS[method](copy.deepcopy(model), x1, x2)
    except Exception as error:  # whatever a peer raises is its own reason
        text = str(error).strip().splitlines()
        return f"{type(error).__name__}: {text[0] if text else ''}"[:160]
    off = float((theta.double() - exact).norm() / exact.norm())
    return "" if off < WRONG or method == OURS else f"its values are off by {off:.1g}"


def measure(case: str, rounds: int) -> tuple[dict[str, tuple[float, float]], dict[str, str], float]:
    """Median seconds and relative error of each method that can; why not for the others; our first call's seconds."""
    model, x1, x2 = build(case)
    exact = row_by_row(copy.deepcopy(model).double(), _widened(x1), _widened(x2))
    start = time.perf_counter()
    METHODS[OURS](copy.deepcopy(model), x1, x2)
    first = time.perf_counter() - start
    why = {method: attempt(method, model, x1, x2, exact) for method in METHODS}
    models = {method: copy.deepcopy(model) for method, reason in why.items() if not reason}
    seconds: dict[str, list[float]] = {method: [] for method in models}
    errors: dict[str, float] = {}
    for _ in range(rounds + 1):  # the first one warms up
        for method, mine in models.items():
            start = time.perf_counter()
            theta = METHODS[method](mine, x1, x2)
            seconds[method].append(time.perf_counter() - start)
            errors[method] = float((theta.double() - exact).norm() / exact.norm())
    found = {method: (statistics.median(times[1:]), errors[method]) for method, times in seconds.items()}
    return found, {method: reason for method, reason in why.items() if reason}, first


def _status(key: str) -> float:
    """A memory line of this process, in MiB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024


def peak(case: str, method: str) -> float:
    """MiB above what there was after a call with one sample a side, which loads what a library needs."""
    model, x1, x2 = build(case)
    METHODS[method](copy.deepcopy(model), x1[:1], x2[:1])
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    METHODS[method](model, x1, x2)
    return _status("VmHWM") - before


def peak_apart(case: str, method: str) -> str:
    """`peak` in a process of its own."""
    command = [sys.executable, __file__, case, "--peak", method]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{float(done.stdout.split()[-1]):.0f}" if done.returncode == 0 else "?"


def main() -> None:
    """Print one table, and what each peer cannot do."""
    parser = argparse.ArgumentParser(description=cast(Any, __doc__).splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--without-memory", action="store_true")
    parser.add_argument("--peak", metavar="METHOD", help="print the peak of memory of one method in one case")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # peers' about batching rules and hooks
    if arguments.peak:
        print(peak(arguments.cases[0], arguments.peak))
        return
    print("| case | method | ms | times ours | peak MiB | error |\n|---|---|---|---|---|---|")
    cannot: list[str] = []
    for case in arguments.cases or CASES:
        found, why, first = measure(case, arguments.rounds)
        ours = found[OURS][0]
        for method, (took, error) in found.items():
            memory = "" if arguments.without_memory else peak_apart(case, method)
            print(f"| {case} | {method} | {1e3 * took:.3g} | {took / ours:.2f} | {memory} | {error:.0e} |", flush=True)
        print(f"| {case} | ours, first call | {1e3 * first:.3g} | {first / ours:.2f} | | |", flush=True)
        cannot += [f"- {case}, {method}: {reason}" for method, reason in why.items()]
    print("\n" + "\n".join(cannot))


if __name__ == "__main__":
    main()
