"""Prints, for twelve architectures and three budgets, the peak of memory above what there was, in MiB.

A program of its own: run by a test, since memory that tests before it have freed would be used again.
"""

import ctypes
import gc
import json
from collections.abc import Callable
from pathlib import Path

import torch
from odd_networks import Odds, sorts
from test_ntk_any_module import ResNet
from torch import Tensor, nn

from lazyregime.kernels import empirical_ntk
from lazyregime.networks import CNN, MLP

BUDGETS = (256, 96, 56)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last = nn.Linear(64, 96), nn.Linear(96, 96), nn.Linear(96, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.again(torch.relu(self.again(torch.relu(self.first(x)))))))


def images(n: int) -> Tensor:
    return torch.randn(n, 1, 28, 28)


def vectors(d: int) -> Callable[[int], Tensor]:
    return lambda n: torch.randn(n, d)


def series(n: int) -> Tensor:
    return torch.randn(n, 8, 32)


def reads(layer: nn.Module, width: int) -> nn.Module:
    def forward(m: nn.Module, x: Tensor) -> Tensor:
        y = m.layer(x)
        return m.out((y[0] if isinstance(y, tuple) else y).mean(1))

    return Odds(forward, layer=layer, out=nn.Linear(width, 10)).eval()


# Name: network, inputs, outputs, n, m.
NETWORKS = {
    "mlp": (lambda: MLP(width=512), vectors(784), "trace", 160, 240),
    "mlp, full": (lambda: MLP(width=256), vectors(784), "full", 80, 120),
    "cnn": (lambda: CNN(width=16), images, "trace", 100, 60),
    "cnn, diagonal": (lambda: CNN(width=8), images, "diagonal", 60, 100),
    "resnet": (lambda: ResNet().eval(), lambda n: torch.randn(n, 3, 24, 24), "trace", 160, 240),
    "embedding": (lambda: reads(nn.Embedding(1000, 64), 64), lambda n: torch.randint(1000, (n, 20)), "trace", 99, 80),
    "encoder": (lambda: reads(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 32), series, "trace", 40, 60),
    "lstm": (lambda: reads(nn.LSTM(32, 32, batch_first=True), 32), series, "trace", 20, 30),
    "weight norm": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(784, 16)), nn.ReLU(), nn.Linear(16, 10)),
        vectors(784),
        "trace",
        40,
        60,
    ),
    "shared": (Twice, vectors(64), "trace", 40, 60),
    "sorted inside": (
        lambda: Odds(sorts, layer=nn.Linear(64, 64), out=nn.Linear(64, 10)),
        vectors(64),
        "trace",
        40,
        60,
    ),
    "transposed": (
        lambda: nn.Sequential(nn.ConvTranspose2d(1, 8, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 58 * 58, 10)),
        images,
        "trace",
        40,
        60,
    ),
}


def status(key: str) -> int:
    """A memory line of this process, in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


def main() -> None:
    torch.set_num_threads(1)
    libc = ctypes.CDLL("libc.so.6")
    for name, (make, data, outputs, n, m) in NETWORKS.items():
        torch.manual_seed(0)
        model, x1, x2 = make(), data(n), data(m)
        empirical_ntk(model, x1[:4], x2[:5], outputs=outputs)
        peaks, kernels = [], []
        for budget in BUDGETS:
            gc.collect()
            libc.malloc_trim(0)
            before = status("VmRSS")
            Path("/proc/self/clear_refs").write_text("5")
            kernels.append(empirical_ntk(model, x1, x2, outputs=outputs, memory_budget=budget << 20))
            peaks.append((status("VmHWM") - before) >> 20)
        same = all(torch.equal(kernel, kernels[0]) for kernel in kernels)
        print(json.dumps({"name": name, "peaks": peaks, "same": same}), flush=True)


if __name__ == "__main__":
    main()
