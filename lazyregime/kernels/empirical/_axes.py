"""Theta over axes of an output of any shape: summed, each with itself, or all pairs; other axes one after the other."""

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError, is_out_of_memory
from lazyregime.kernels.empirical._loan import borrowed, failed
from lazyregime.kernels.empirical._ntk import empirical_ntk
from lazyregime.kernels.empirical._parts import counted, network_of
from lazyregime.kernels.empirical._recording import flat_output


def empirical_ntk_axes(
    model: nn.Module,
    x1: Shaped[Tensor, "n *d"],
    x2: Shaped[Tensor, "m *d"] | None = None,
    *,
    trace_axes: Sequence[int] = (-1,),
    diagonal_axes: Sequence[int] = (),
    **options: Any,
) -> Shaped[Tensor, "n m *axes"]:
    """The kernel of a model whose output has several axes, as those of a language model: positions and words.

    Over `trace_axes` it is summed, of `diagonal_axes` each index meets itself, and of the others all pairs are there.
    What is summed or meets itself is computed index by index where others have pairs, so that no more pairs of outputs
    are computed than are asked for; of a network in eval mode with an output (n, 16, 100), say, 100 kernels of 16 x 16
    outputs for `trace_axes=(-1,)`.

    Args:
        model: As for `empirical_ntk`; its output is (n, *o).
        x1: Inputs, samples first.
        x2: Other inputs.
        trace_axes: Axes of the output, from 1, as 0 are the samples, or from -1; the default is that of
            neural-tangents.
        diagonal_axes: Others.
        **options: Those of `empirical_ntk`, but outputs and progress.

    Returns:
        (n, m, *diagonal, *others, *others): the diagonal axes and the others in the order that they have in the output.

    Raises:
        LazyRegimeError: For axes that the output does not have, and for what `empirical_ntk` refuses.

    Example:
        >>> layer = nn.Sequential(nn.Linear(2, 6), nn.Unflatten(1, (2, 3)))  # (n, 2, 3)
        >>> x = torch.ones(4, 2)
        >>> empirical_ntk_axes(layer, x).shape
        torch.Size([4, 4, 2, 2])
        >>> empirical_ntk_axes(layer, x, trace_axes=(), diagonal_axes=(1,)).shape
        torch.Size([4, 4, 2, 3, 3])
    """
    unknown = {"outputs", "progress"} & options.keys()
    if unknown:
        raise LazyRegimeError(
            f"empirical_ntk_axes has no {' and no '.join(sorted(unknown))}; its axes say what is kept."
        )
    if not isinstance(model, nn.Module) or not isinstance(x1, Tensor) or x1.ndim == 0 or len(x1) == 0:
        return empirical_ntk(model, x1, x2, **options)  # which says what is wrong
    network, everything = network_of(model)
    sizes = _output_sizes(network, x1)
    traced, diagonal = _axes(trace_axes, sizes, "trace_axes"), _axes(diagonal_axes, sizes, "diagonal_axes")
    if set(traced) & set(diagonal):
        raise LazyRegimeError(f"Axis {min(set(traced) & set(diagonal))} is among trace_axes and diagonal_axes; choose.")
    others = [axis for axis in range(1, len(sizes) + 1) if axis not in traced + diagonal]
    order = [axis - 1 for axis in diagonal + traced + others]
    shape = [[sizes[axis - 1] for axis in axes] for axes in (diagonal, traced, others)]
    num = [int(torch.Size(part).numel()) for part in shape]
    places = torch.arange(torch.Size(sizes).numel()).view(sizes).permute(order).reshape(num)
    n, m = len(x1), len(x1 if x2 is None else x2)
    if num[2] == 1:  # no pairs
        kept = "trace" if num[0] == 1 else "diagonal"
        theta = empirical_ntk(model, x1, x2, outputs=kept, **options)
        if kept == "diagonal":
            theta = theta[..., places.flatten()].view(n, m, num[0], num[1]).sum(3)
        return theta.reshape(n, m, *shape[0], *shape[2], *shape[2])
    names = options.get("params")
    names = counted(network, everything) if names is None else names
    options["params"] = [f"model.{name}".rstrip(".") for name in names]
    parts: list[Tensor] = []
    for rows in places:
        kernels = (empirical_ntk(_Chosen(network, row), x1, x2, outputs="full", **options) for row in rows)
        total = next(kernels).clone()
        for kernel in kernels:
            total += kernel
        parts.append(total)
    return torch.stack(parts, 2).reshape(n, m, *shape[0], *shape[2], *shape[2])


@final
class _Chosen(nn.Module):
    """Some of a model's outputs, by their place among all."""

    def __init__(self, model: nn.Module, places: Tensor) -> None:
        super().__init__()
        self.model, self.training = model, model.training
        self.places = places

    def forward(self, x: Tensor) -> Tensor:
        """(n, *d) to (n, places)."""
        y: Tensor = self.model(x)
        return torch.stack([y.flatten(1)[:, place] for place in self.places.tolist()], 1)


def _output_sizes(model: nn.Module, x: Tensor) -> torch.Size:
    with torch.no_grad(), borrowed(model):
        try:
            y = model(x[:1].detach().clone())
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise failed(error, x[:1]) from error
    flat_output(y, 1)  # refuses what is no output
    return y.shape[1:]


def _axes(given: Sequence[int], sizes: torch.Size, name: str) -> list[int]:
    """From 1, in order.

    Raises:
        LazyRegimeError: For what is no axis.
    """
    last = len(sizes)
    found = sorted({axis if axis > 0 else last + 1 + axis for axis in given})
    if any(not 1 <= axis <= last for axis in found) or len(found) < len(given) or 0 in given:
        raise LazyRegimeError(
            f"{name}={tuple(given)}: the output is (n, {', '.join(map(str, sizes))}), so that its axes are 1 to "
            f"{last}, or -1 for the last; give each once."
        )
    return found
