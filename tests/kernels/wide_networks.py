"""Many wide ReLU networks of one hidden layer, trained together; their formulas and gradients written out here.

f(x) = sum_i a_i relu(w_i . x / sqrt(d) + 0.1 b_i) / sqrt(N) + 0.1 c, all N(0, 1) each.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Weights = list[Tensor]


def draw(members: int, width: int, d: int, generator: torch.Generator) -> Weights:
    shapes = ((members, width, d), (members, width), (members, width), (members,))
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def outputs(w: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    """(members, n), and the hidden units before their ReLU, (members, width, n)."""
    hidden = w[0] @ x.T / math.sqrt(x.shape[1]) + 0.1 * w[1][..., None]
    return (w[2][:, None] @ hidden.relu())[:, 0] / math.sqrt(w[1].shape[1]) + 0.1 * w[3][:, None], hidden


def velocity(w: Weights, x: Tensor, y: Tensor) -> Weights:
    """Minus the gradient of 1/2 sum (f - y)^2."""
    f, hidden = outputs(w, x)
    gap = (y - f)[:, None] / math.sqrt(w[1].shape[1])
    into = gap * w[2][..., None] * (hidden > 0)
    first = into @ x / math.sqrt(x.shape[1])
    return [first, 0.1 * into.sum(2), (gap * hidden.relu()).sum(2), 0.1 * (y - f).sum(1)]


def trained(w: Weights, x: Tensor, y: Tensor, z: Tensor, times: Sequence[float], step: float) -> Tensor:
    """f_t(z) at each time, (times, members, m), by Runge-Kutta's method of order four."""
    found, now = [], 0.0
    for time in times:
        count = math.ceil((time - now) / step - 1e-9)
        h = (time - now) / max(1, count)
        for _ in range(count):
            k1 = velocity(w, x, y)
            k2 = velocity([a + h / 2 * b for a, b in zip(w, k1, strict=True)], x, y)
            k3 = velocity([a + h / 2 * b for a, b in zip(w, k2, strict=True)], x, y)
            k4 = velocity([a + h * b for a, b in zip(w, k3, strict=True)], x, y)
            slopes = zip(w, k1, k2, k3, k4, strict=True)
            w = [a + h / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in slopes]
        now = time
        found.append(outputs(w, z)[0])
    return torch.stack(found)
