"""What a stored kernel is of: weights, layers and their code, inputs and options, and the kernel of two samples."""

import hashlib
import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lazyregime.kernels.empirical._checks import tolerance
from lazyregime.kernels.state import lasting, state_after, state_of

Identity = dict[str, Any]


def identity(
    model: nn.Module, x1: Tensor, x2: Tensor | None, options: dict[str, Any], kernel: Callable[[Tensor], Tensor]
) -> Identity:
    """Digests of all parts, by what they are called in a sentence, and numbers that may differ by rounding.

    Args:
        model: Its weights, buffers, layers, their settings and the source of their classes count.
        x1: The inputs.
        x2: The other inputs.
        options: All that changes the numbers or their order.
        kernel: That of a few samples with themselves.
    """
    few = kernel(x1[:2]).double().flatten()
    state = lasting(state_of(model), state_after(model, x1))
    return {
        "parameters, buffers, layers or settings": _digest(repr(sorted(state.items()))),
        "source of the network's classes": _digest(*sorted({_source(type(module)) for module in model.modules()})),
        "inputs": _digest(*(part for x in (x1, x2) for part in _content(x))),
        "options": {name: str(value) for name, value in options.items()},
        "values on the first two samples": {"numbers": few.tolist(), "tolerance": tolerance(_dtype(model))},
    }


def differences(known: Any, asked: Identity) -> list[str]:
    """The parts in which a stored kernel is another one than that which is asked for."""
    if not isinstance(known, dict):
        return list(asked)
    return [name for name, value in asked.items() if not _same(known.get(name), value)]


def _same(known: Any, value: Any) -> bool:
    if not isinstance(value, dict) or "numbers" not in value:
        return known == value
    try:
        a, b, allowed = known["numbers"], value["numbers"], value["tolerance"]
        return len(a) == len(b) and math.dist(a, b) <= allowed * max(math.hypot(*a), math.hypot(*b))
    except (TypeError, KeyError):
        return False


def _dtype(model: nn.Module) -> torch.dtype:
    dtypes = [p.dtype for p in model.parameters() if p.is_floating_point()]
    return max(dtypes, key=tolerance, default=torch.float32)


def _content(x: Tensor | None) -> list[str | bytes]:
    if x is None:
        return ["none"]
    return [f"{tuple(x.shape)} {x.dtype}", x.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()]


def _source(kind: type) -> str:
    """The text of a class that is not PyTorch's own; nothing where there is none, as of one typed into a prompt."""
    if kind.__module__.startswith("torch."):
        return ""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return ""


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(str(len(content)).encode() + b":" + content)
    return digest.hexdigest()
