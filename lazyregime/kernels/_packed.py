"""Several input tensors as one: the bytes of each sample's parts side by side, and a module that takes them apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, final

import torch
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError


@final
@dataclass(frozen=True)
class Layout:
    """How one sample's inputs lie side by side; two batches can be compared if theirs are equal.

    Attributes:
        keys: Names of the arguments; None for positional ones.
        shapes: Of a sample of each.
        dtypes: Of each.
    """

    keys: tuple[str, ...] | None
    shapes: tuple[torch.Size, ...]
    dtypes: tuple[torch.dtype, ...]

    def __str__(self) -> str:
        """The parts of a sample."""
        labels = self.keys or range(len(self.shapes))
        parts = zip(labels, self.shapes, self.dtypes, strict=True)
        return ", ".join(f"{label} {tuple(shape)} of {dtype}" for label, shape, dtype in parts)

    def unpack(self, packed: Tensor) -> list[Tensor]:
        """The parts of (n, bytes)."""
        parts: list[Tensor] = []
        start = 0
        for shape, dtype in zip(self.shapes, self.dtypes, strict=True):
            stop = start + shape.numel() * dtype.itemsize
            own = packed[:, start:stop].clone(memory_format=torch.contiguous_format)
            parts.append(own.view(dtype).view(len(packed), *shape))
            start = stop
        return parts


def pack(inputs: Any, name: str) -> tuple[Tensor, Layout]:
    """Inputs (a tensor, a mapping or a sequence of tensors) as (n, bytes), and how they lie there.

    Raises:
        LazyRegimeError: If they are something else, or not of one number of samples on one device.
    """
    keys: tuple[str, ...] | None = None
    parts: list[Any] = [inputs]
    if isinstance(inputs, Mapping):
        named = cast("Mapping[str, Any]", inputs)
        keys, parts = tuple(named), list(named.values())
    elif isinstance(inputs, Sequence) and not isinstance(inputs, str):
        parts = list(cast("Sequence[Any]", inputs))
    labels = keys or tuple(map(str, range(len(parts))))
    for label, part in zip(labels, parts, strict=True):
        if not isinstance(part, Tensor) or part.ndim == 0 or part.numel() == 0:
            what = f"a tensor of shape {tuple(part.shape)}" if isinstance(part, Tensor) else f"a {type(part).__name__}"
            raise LazyRegimeError(
                f"Part {label} of {name} is {what}; each part must be a tensor with a row for each sample. Give "
                "what is no tensor to the model by a module of your own around it."
            )
    if len({(len(part), part.device) for part in parts}) != 1:
        there = ", ".join(f"{label}: {len(p)} on {p.device}" for label, p in zip(labels, parts, strict=True))
        raise LazyRegimeError(f"The parts of {name} must have one number of samples and one device, but have {there}.")
    layout = Layout(keys, tuple(p.shape[1:] for p in parts), tuple(p.dtype for p in parts))
    return torch.cat([p.detach().contiguous().reshape(len(p), -1).view(torch.uint8) for p in parts], 1), layout


@final
class Unpacking(nn.Module):
    """The user's model on packed inputs, and of its output what is asked for.

    Args:
        model: The user's.
        layout: Of the inputs.
        output: What is taken of the model's output; None for all of it.
    """

    def __init__(self, model: nn.Module, layout: Layout, output: Callable[[Any], Tensor] | None) -> None:
        super().__init__()
        self.model, self.layout, self.output = model, layout, output

    def forward(self, packed: Tensor) -> Any:
        """The outputs of (n, bytes)."""
        parts, keys = self.layout.unpack(packed), self.layout.keys
        y = self.model(*parts) if keys is None else self.model(**dict(zip(keys, parts, strict=True)))
        return y if self.output is None else self.output(y)
