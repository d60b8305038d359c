r"""NNGP and NTK of any network of infinitely wide layers: dense, convolutional, residual, pooled, normalized.

Without average pooling only equal pixels of two images matter, h w numbers a pair of images; with it all pairs of
pixels do, (h w)^2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._memory import default_budget, keep_freed_memory
from lazyregime.kernels.infinite._base import AbstractInfiniteKernel, as_inputs, inputs
from lazyregime.kernels.infinite._blocks import by_blocks
from lazyregime.kernels.infinite._sides import Rows, Sides, refine
from lazyregime.kernels.infinite._walk import State, Walk
from lazyregime.kernels.infinite.layers import (
    AbstractLayer,
    AveragePool,
    Conv,
    Dense,
    Kind,
    apply_all,
    check_all,
)
from lazyregime.kernels.infinite.scheme import Pairs, Scheme

_TEMPORARIES = 12  # numbers alive at once for each pair, or pair of pixels, and more inside residual blocks


@final
@dataclass(frozen=True)
class InfiniteNetwork(AbstractInfiniteKernel):
    """The kernels of a network of infinite width, returned in the precision of the inputs.

    A ResNet of two blocks, without the inputs' own stem:

        block = Residual((LayerNorm(), Pointwise("relu"), Conv(3, "same"), Pointwise("relu"), Conv(3, "same")))
        InfiniteNetwork((Conv(3, "same"), block, block, AveragePool(), Dense()))

    Attributes:
        layers: From the inputs to the output, which is one unit: the last is Dense.
        parameterization: As for `InfiniteMLP`, like all that follow.
        dtype: "float64"; or "float32", in which a pair of images takes a third of the time: entries then err by some
            1e-6, are computed anew in float64 where two inputs are so alike that they would err by more, and a few are
            compared with float64 ones.
    """

    layers: tuple[AbstractLayer, ...]
    parameterization: str = "ntk"
    width: int = 1024
    weight_variance: float | None = None
    bias_variance: float | None = None
    bias: bool = True
    which: str = "ntk"
    memory_budget: int | None = None
    dtype: str = "float64"

    def __post_init__(self) -> None:
        self.check_choices()
        if not self.layers or not isinstance(self.layers[-1], Dense):
            raise LazyRegimeError("The last layer of an infinite network is Dense, its output; add one.")
        check_all(self.layers, Kind(spatial=self.of_images))

    @classmethod
    def like(cls, kernel: AbstractInfiniteKernel, layers: Sequence[AbstractLayer]) -> "InfiniteNetwork":
        """These layers, with all else as a kernel has it that is made of them."""
        return cls(tuple(layers), **{f.name: getattr(kernel, f.name) for f in fields(cls) if f.name != "layers"})

    @property
    def of_images(self) -> bool:
        """Whether inputs are images; else they are flattened."""
        return any(isinstance(layer, Conv | AveragePool) for layer in _everything(self.layers))

    def kernels(
        self, x1: Shaped[Tensor, "n ..."], x2: Shaped[Tensor, "m ..."] | None = None
    ) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"]]:
        """NNGP and NTK of all pairs, (n, m). Without x2, those of x1 with itself.

        Raises:
            LazyRegimeError: If images are too small, or one pair does not fit the memory budget.
        """
        a, b = inputs(x1, x2, flat=not self.of_images)
        a, b = (x if self.of_images else x.flatten(1) for x in (a, b))
        budget = self.memory_budget or default_budget(a.device)
        pixels = a[0, 0].numel() if self.of_images else 1
        numbers = (_TEMPORARIES + 4 * _depth(self.layers)) * pixels ** (2 if _is_pooled(self.layers) else 1)
        check_pair(8 * numbers, budget)
        first = self._variances(a, max(1, budget // (8 * numbers)))
        second = first if x2 is None else self._variances(b, max(1, budget // (8 * numbers)))
        sides = Sides.make(a, first, b, second)
        keep_freed_memory(a.device)
        given = sides if self.dtype == "float64" else sides.single()
        nngp, ntk = by_blocks(
            lambda rows, columns: self._block(given, rows, columns),
            *(len(a), len(b)),
            symmetric=x2 is None,
            pair_bytes=given.x1.element_size() * numbers,
            budget=budget,
            device=a.device,
        )
        if given is not sides:
            refine(nngp, ntk, sides, lambda rows, columns: self._block(sides, rows, columns))
        return as_inputs(nngp, x1), as_inputs(ntk, x1)

    def _block(self, sides: Sides, rows: Rows, columns: Rows) -> Pairs:
        walk = Walk(self._scheme, self.width, sides.of(rows, columns))
        start = _start(sides.x1[rows], sides.x2[columns], _is_pooled(self.layers))
        state = apply_all(self.layers, start, walk)
        return Pairs(state.nngp, state.ntk)

    @property
    def _scheme(self) -> Scheme:
        return Scheme(self.parameterization, self.weight_variance, self.bias_variance, self.bias)

    def _variances(self, x: Tensor, rows: int) -> list[Tensor]:
        """Those of each sample wherever a layer asks for them, and the output's."""
        parts: list[list[Tensor]] = []
        for some in x.split(rows):
            walk = Walk(self._scheme, self.width)
            state = apply_all(self.layers, _own(some, _is_pooled(self.layers)), walk)
            parts.append([*walk.variances, state.nngp[:, 0]])
        return [torch.cat(q) for q in zip(*parts, strict=True)]


def check_pair(pair_bytes: int, budget: int) -> None:
    """Refuses inputs of which not even one pair fits.

    Raises:
        LazyRegimeError: With both numbers.
    """
    if pair_bytes > budget:
        raise LazyRegimeError(
            f"One pair of inputs takes {pair_bytes / 2**20:.1f} MiB, more than the memory budget of "
            f"{budget / 2**20:.1f} MiB; give a larger memory_budget or smaller images."
        )


def _start(a: Tensor, b: Tensor, pooled: bool) -> State:
    """Inner products of the inputs, over channels."""
    channels = a.shape[1]
    if a.ndim == 2:
        nngp = a @ b.T / channels
    elif pooled:
        nngp = torch.einsum("ncij,mckl->nmijkl", a, b) / channels
    else:
        h, w = a.shape[2:]
        mine, others = (x.permute(2, 3, 0, 1).contiguous().flatten(0, 1) for x in (a, b))  # (h w, n, c)
        products = torch.bmm(mine, others.mT)
        nngp = products.div_(channels).view(h, w, len(a), len(b)).permute(2, 3, 0, 1)  # in this memory layout
    return State(nngp, torch.zeros_like(nngp), channels, False)


def _own(x: Tensor, pooled: bool) -> State:
    """The same of each sample with itself, (n, 1, ..)."""
    channels = x.shape[1]
    if x.ndim == 2:
        nngp = x.square().mean(1, keepdim=True)
    else:
        nngp = torch.einsum("ncij,nckl->nijkl" if pooled else "ncij,ncij->nij", x, x)[:, None] / channels
    return State(nngp, torch.zeros_like(nngp), channels, False)


def _everything(layers: Sequence[AbstractLayer]) -> Iterator[AbstractLayer]:
    for layer in layers:
        yield layer
        yield from _everything(layer.inside)


def _is_pooled(layers: Sequence[AbstractLayer]) -> bool:
    return any(isinstance(layer, AveragePool) for layer in _everything(layers))


def _depth(layers: Sequence[AbstractLayer]) -> int:
    """How many residual blocks are inside each other."""
    return max((1 + _depth(layer.inside) for layer in layers if layer.inside), default=0)
