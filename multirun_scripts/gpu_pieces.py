"""A piece of multirun_scripts/gpu.py: what is computed, its operations and memory counted, and what it took."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class Kit:
    """Where pieces are computed, at which size, and how many operations a second a large product reaches there."""

    device: torch.device
    tiny: bool
    runs: Path
    rate32: float
    rate64: float

    def draw(self, *shape: int) -> Tensor:
        """Gaussian numbers on the device, the same on each."""
        return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).to(self.device)

    def wait(self) -> None:
        """Until the device has done what it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()


@dataclass(frozen=True)
class Piece:
    """A few minutes' work.

    Args:
        name: By which it is known as done; it begins with its group.
        compute: Does it; returns the seconds that count, and what was found in words.
        flops32: Operations in float32, counted; None where they cannot be known beforehand.
        flops64: Those in float64.
        bytes: Of memory, at least.
    """

    name: str
    compute: Callable[[Kit], tuple[float, str]]
    flops32: float | None = 0.0
    flops64: float = 0.0
    bytes: float = 0.0

    def floor(self, kit: Kit) -> float | None:
        """Seconds that the operations alone take."""
        return None if self.flops32 is None else self.flops32 / kit.rate32 + self.flops64 / kit.rate64

    def predicted(self, kit: Kit) -> str:
        """What it is known to take before it starts."""
        floor = self.floor(kit)
        if floor == 0:
            return "a few seconds"
        if floor is None:
            return "its steps are chosen as it goes, so what it takes is not known"
        told = f"{self.flops32 or 0:.2g} operations in float32, {self.flops64:.2g} in float64, "
        return f"{told}{self.bytes / 1e9:.2g} GB; at least {floor / 60:.2g} minutes"

    def row(self, kit: Kit) -> list[str]:
        """Compute it; what the table says of it."""
        seconds, found = self.compute(kit)
        floor = self.floor(kit)
        factor = f"{seconds / floor:.3g}" if floor else ""
        counted = f"{(self.flops32 or 0) + self.flops64:.2g}" if floor else ""
        floor_text = f"{floor:.3g} s" if floor else ""
        return [counted, f"{self.bytes / 1e9:.2g}", floor_text, f"{seconds:.3g} s", factor, found]


def median(kit: Kit, function: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of a call, after one that warms up."""
    seconds: list[float] = []
    for _ in range(rounds + 1):
        kit.wait()
        since = time.perf_counter()
        function()
        kit.wait()
        seconds.append(time.perf_counter() - since)
    return sorted(seconds[1:])[rounds // 2]


def rate_of(device: torch.device, dtype: torch.dtype, *, tiny: bool) -> float:
    """Operations a second of a large matrix product."""
    n = (
        256
        if tiny
        else 8192
        if device.type == "cuda" and dtype == torch.float32
        else 4096
        if device.type == "cuda"
        else 1024
    )
    kit = Kit(device, tiny, Path(), 1.0, 1.0)
    g = kit.draw(n, n).to(dtype)
    return 2 * n**3 / median(kit, lambda: g @ g)
